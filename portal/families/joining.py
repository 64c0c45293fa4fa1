"""Into a family: inviting, and what becomes of an invitation. In the asker's own name unless said; never commits."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts import free_days
from portal.accounts.actions import Given
from portal.accounts.member import key_hash, new_key
from portal.billing.actions import note_wish
from portal.billing.jobs import stop_own
from portal.database.identity import ME
from portal.families import letters
from portal.families.actions import tell
from portal.families.queries import former, invitation
from portal.families.refusals import AcceptedMeanwhile, Gone, refuse

INVITE = text("select membership, refusal from invite_to_family(:plan, :address, :token)")
RENEW = text("select address, refusal from renew_invitation(:invitation, :token)")
REVOKE = text("select revoke_invitation(:invitation)")
ACCEPT = text("select * from accept_invitation(:token)")
SIGN_UP = text("select * from sign_up_to_family(:token, cast(:given as jsonb))")
DECLINE = text("select membership, state from decline_invitation(:token)")
PAID_ALONE = text("""
select max(promised_until) from my_access_sources()
 where source = 'own' and subscription_type = 'individual' and promised_until > :at
""")


def invite(db: Session, plan: Any, host: str, address: str) -> None:
    """Hold a seat for 14 days and mail its link to `address`. Raises Refused."""
    token = new_key()
    given = {"plan": plan.id, "address": address, "token": key_hash(token)}
    asked = db.execute(INVITE, given).one()
    refuse(asked.refusal)
    mail.write(db, "family-invitation", address, letters.invitation(plan.plan_name, host, token), secret=True)
    audit.record(db, "family.invited", "Invited somebody", membership_id=str(asked.membership))


def send_again(db: Session, plan: Any, host: str, invitation_id: UUID) -> str | None:
    """The invitation once more, with a new link; the one before opens nothing. The address; None: not the asker's."""
    token = new_key()
    given = {"invitation": invitation_id, "token": key_hash(token)}
    asked = db.execute(RENEW, given).one_or_none()
    if asked is None:
        return None
    if asked.refusal == "active":
        raise AcceptedMeanwhile
    refuse(asked.refusal)
    mail.write(db, "family-invitation", asked.address, letters.invitation(plan.plan_name, host, token), secret=True)
    audit.record(db, "family.invited-again", "Sent an invitation again", membership_id=str(invitation_id))
    return str(asked.address)


def take_back(db: Session, invitation_id: UUID) -> bool:
    """The invitation opens nothing any more, and its seat is free. False if it is not the asker's."""
    was = db.scalar(REVOKE, {"invitation": invitation_id})
    if was == "active":
        raise AcceptedMeanwhile
    if was == "invited":
        audit.record(db, "family.invitation-revoked", "Took an invitation back", membership_id=str(invitation_id))
    return was is not None


def accept(db: Session, token: str, own_plan: str = "not_yet") -> None:
    """The seat of an invitation, to the asker. Raises Refused.

    Who also pays alone says what becomes of that: `period_end`, `now_with_credit` or `not_yet`.
    """
    seated = db.execute(ACCEPT, {"token": key_hash(token)}).one()
    if seated.refusal == "active":
        return
    refuse(seated.refusal)
    _joined(db, seated, None)
    if own_plan in ("period_end", "now_with_credit"):
        me: UUID = db.scalars(select(ME)).one()
        note_wish(db, me, "end")
        stop_own.enqueue(db, user_id=me, when=own_plan)


def sign_up(db: Session, token: str, given: Given, password_hash: str) -> UUID:
    """As nobody yet: an account on the invited address, proven by the link, and the seat in one. Raises Refused."""
    seated = db.execute(SIGN_UP, {"token": key_hash(token), "given": json.dumps({**asdict(given), "password_hash": password_hash})}).one()
    refuse(seated.refusal)
    if invited := invitation(db, token):
        free_days.give(db, seated.person, invited.email)
    audit.record(
        db, "account.confirmed", "An address was confirmed by an invitation", subject_id=seated.person,
        category="security",
    )  # fmt: skip
    _joined(db, seated, seated.person)
    return seated.person  # type: ignore[no-any-return]


def decline(db: Session, token: str) -> None:
    """No to an invitation; the seat is free again. Twice is once. Raises Gone."""
    said = db.execute(DECLINE, {"token": key_hash(token)}).one_or_none()
    if said is None or said.state not in ("declined", "was declined"):
        raise Gone
    if said.state == "declined":
        audit.record(db, "family.declined", "Declined an invitation", membership_id=str(said.membership))
        tell(db, "declined", said.membership)


def tell_missed(db: Session, token: str) -> None:
    """Somebody came second with one invitation: who invited should know."""
    seat = db.execute(ACCEPT, {"token": key_hash(token)}).one()
    if seat.refusal == "taken":
        tell(db, "missed", seat.membership)


def pays_alone(db: Session) -> datetime | None:
    """Until when the asker has paid for a plan of their own, if they have."""
    until: datetime | None = db.scalar(PAID_ALONE, {"at": clock.now()})
    return until


def bring_back(db: Session, plan: Any, host: str) -> int:
    """Invite everybody who was in the asker's family until it ended; how many. Raises Refused."""
    people = former(db)
    for person in people:
        invite(db, plan, host, person.email)
    return len(people)


def _joined(db: Session, seated: Row[Any], person: UUID | None) -> None:
    audit.record(db, "family.joined", "Joined a family", subject_id=person, membership_id=str(seated.membership))
    tell(db, "joined", seated.membership)
