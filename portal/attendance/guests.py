"""The guests of a private meeting: its host and admins invite people and take an invitation back. None commits."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, live
from portal.attendance.events import guest_invited, invitation_taken_back
from portal.database.identity import ME
from portal.meetings.waitlist import tell_offers
from portal.problems import Refused

INVITE = text("select refusal, invited from invite_guests(:meeting, :addresses, :later)")
TAKE_BACK = text("select meeting_id, offered from take_back_invitation(:meeting, :person, :later)")
INVITED_AT = text("select invited_at_addresses(:meeting, :addresses)")


class NotPrivate(Refused):
    """Only a private meeting that is not over has guests to invite."""


class NotRemovable(Refused):
    """Nobody can be taken off the list who hosts the meeting or has been there."""


def invite(db: Session, meeting_id: UUID, addresses: list[str], *, later: bool = False) -> None:
    """Invite the people of the club at these addresses; each who was not invited before gets one mail.

    An address without an account is passed over, and nothing tells the current user so. With `later` also to the meetings of
    its series after this one. Raises NotPrivate.
    """
    result = db.execute(INVITE, {"meeting": meeting_id, "addresses": addresses, "later": later}).one()
    if result.refusal:
        raise NotPrivate
    for person in result.invited or ():
        audit.record(
            db,
            "guest.invited",
            "Invited to a private meeting",
            category="meeting",
            meeting_id=meeting_id,
            subject_id=person,
            later=later,
        )
        guest_invited.publish(db, meeting_id=meeting_id, user_id=person, by=db.scalars(select(ME)).one(), later=later)
    live.announce(db, meeting_id)


def take_back_addresses(db: Session, meeting_id: UUID, addresses: list[str], *, later: bool = False) -> None:
    """Take back the invitations of the people at these addresses, but for those who were not invited or are `NotRemovable`."""
    for person_id in db.scalars(INVITED_AT, {"meeting": meeting_id, "addresses": addresses}).all():
        with suppress(NotRemovable):
            take_back(db, meeting_id, person_id, later=later)


def take_back(db: Session, meeting_id: UUID, person_id: UUID, *, later: bool = False) -> None:
    """Take an invitation back: the meeting is not theirs to see any more, and they are told. Raises NotRemovable."""
    changed = db.execute(TAKE_BACK, {"meeting": meeting_id, "person": person_id, "later": later}).all()
    if not changed:
        raise NotRemovable
    for changed_id, offered in changed:
        tell_offers(db, changed_id, offered)
        live.announce(db, changed_id)
    audit.record(
        db,
        "guest.taken-back",
        "An invitation was taken back",
        category="meeting",
        meeting_id=meeting_id,
        subject_id=person_id,
        later=later,
    )
    invitation_taken_back.publish(db, meeting_id=meeting_id, user_id=person_id)
