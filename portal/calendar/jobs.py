"""What a person's calendar is told by mail."""

from uuid import UUID

from sqlalchemy.orm import Session

from portal.calendar import replies
from portal.jobs import job
from portal.mail.events import reply_received


@reply_received.subscribe
@job("calendar.take_reply", lock="reply:{message_id}")
def take_reply(db: Session, message_id: UUID) -> None:
    """A calendar's answer came back by mail."""
    replies.apply(db, message_id)
