"""A person's entry of a meeting in their own calendar."""

from uuid import UUID

from sqlalchemy.orm import Session


def replied(db: Session, meeting_id: UUID, user_id: UUID, partstat: str) -> None:
    """Note that the person answered from their calendar, which so knows already: a no is not answered with a CANCEL (RFC 5546
    3.2.3). `partstat` is ACCEPTED or DECLINED. Called in the transaction that takes the answer.
    """
