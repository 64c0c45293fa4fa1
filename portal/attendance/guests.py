"""The guests of a private meeting: its host and admins invite people and take an invitation back. None commits."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, jobs, live
from portal.database.identity import ME
from portal.meetings.line import tell_offers
from portal.problems import Refused

INVITE = text("select refusal, unknown, invited from invite_guests(:meeting, :addresses, :later)")
TAKE_BACK = text("select meeting_id, offered from take_back_invitation(:meeting, :person, :later)")


class NobodyThere(Refused):
    """Nobody in the club has one of these addresses."""

    def __init__(self, addresses: list[str]) -> None:
        these = "this address" if len(addresses) == 1 else "these addresses"
        super().__init__(f"Nobody in the club has {these}: {', '.join(addresses)}.")


class NotPrivate(Refused):
    """Only a private meeting that is not over has guests to invite."""


class Stays(Refused):
    """Nobody can be taken off the list who hosts the meeting or has been there."""


def invite(db: Session, meeting_id: UUID, addresses: list[str], *, later: bool = False) -> int:
    """Invite the people of the club at these addresses; how many were not invited before. Each gets one mail.

    With `later` also to the meetings of its series after this one. Raises Refused, and then nobody is invited.
    """
    given = {"meeting": meeting_id, "addresses": addresses, "later": later}
    said = db.execute(INVITE, given).one()
    if said.refusal:
        raise NobodyThere(said.unknown) if said.refusal == "unknown" else NotPrivate
    for person in said.invited or ():
        audit.record(
            db, "guest.invited", "Invited to a private meeting", category="meeting", meeting_id=meeting_id,
            subject_id=person, later=later,
        )  # fmt: skip
        jobs.enqueue(
            db, "attendance.tell_invited", meeting_id=str(meeting_id), user_id=str(person), by=str(db.scalar(select(ME))),
            later=later,
        )  # fmt: skip
    live.announce(db, meeting_id)
    return len(said.invited or ())


def take_back(db: Session, meeting_id: UUID, person_id: UUID, *, later: bool = False) -> None:
    """Take an invitation back: the meeting is not theirs to see any more, and they are told. Raises Stays."""
    given = {"meeting": meeting_id, "person": person_id, "later": later}
    changed = db.execute(TAKE_BACK, given).all()
    if not changed:
        raise Stays
    for changed_id, offered in changed:
        tell_offers(db, changed_id, offered)
        live.announce(db, changed_id)
    audit.record(
        db, "guest.taken-back", "An invitation was taken back", category="meeting", meeting_id=meeting_id,
        subject_id=person_id, later=later,
    )  # fmt: skip
    jobs.enqueue(db, "attendance.tell_taken_back", meeting_id=str(meeting_id), user_id=str(person_id))
