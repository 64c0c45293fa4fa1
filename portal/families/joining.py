"""Into a family: inviting, and what becomes of an invitation. In the current user's own name unless said; never commits."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts import free_days
from portal.accounts.actions import Newcomer
from portal.accounts.member import key_hash, new_key
from portal.billing.actions import note_wish
from portal.billing.jobs import stop_own
from portal.database.identity import ME
from portal.database.query import Query
from portal.families import messages
from portal.families.actions import tell
from portal.families.models import FamilyPlan
from portal.families.queries import former, invitation
from portal.families.refusals import AcceptedMeanwhile, Gone, refuse


class Invited(NamedTuple):
    """The seat that is held, or why none is."""

    membership: UUID | None
    refusal: str | None


class Renewed(NamedTuple):
    """Where the invitation goes again, or why not."""

    address: str | None
    refusal: str | None


class Seated(NamedTuple):
    """The seat somebody has now, or why they have none."""

    membership: UUID
    plan: UUID
    refusal: str | None


class SignedUp(NamedTuple):
    """The same, and who it is."""

    person: UUID
    membership: UUID
    plan: UUID
    refusal: str | None


class Declined(NamedTuple):
    """What became of a seat that was declined."""

    membership: UUID
    state: str


INVITE = Query(Invited, text("select membership, refusal from invite_to_family(:plan, :address, :token)"))
RENEW = Query(Renewed, text("select address, refusal from renew_invitation(:invitation, :token)"))
REVOKE = text("select revoke_invitation(:invitation)")
ACCEPT = Query(Seated, text("select * from accept_invitation(:token)"))
SIGN_UP = Query(SignedUp, text("select * from sign_up_to_family(:token, cast(:newcomer as jsonb))"))
DECLINE = Query(Declined, text("select membership, state from decline_invitation(:token)"))
PAID_ALONE = text("""
select max(promised_until) from my_entitlement_sources()
 where source = 'own' and subscription_type = 'individual'
   and (promised_until > :at
        or exists (select from subscriptions s where s.user_id = (select auth.uid()) and s.live and s.ends_at is null))
""")


def invite(db: Session, plan: FamilyPlan, host: str, address: str) -> None:
    """Hold a seat for 14 days and mail its link to `address`. Raises Refused."""
    token = new_key()
    result = INVITE.one(db, plan=plan.id, address=address, token=key_hash(token))
    refuse(result.refusal)
    mail.write(db, "family-invitation", address, messages.invitation(plan.plan_name, host, token), secret=True)
    audit.record(db, "family.invited", "Invited somebody", membership_id=str(result.membership))


def send_again(db: Session, plan: FamilyPlan, host: str, invitation_id: UUID) -> str | None:
    """The invitation once more, with a new link; the one before opens nothing. The address; None: not the current user's."""
    token = new_key()
    result = RENEW.one_or_none(db, invitation=invitation_id, token=key_hash(token))
    if result is None:
        return None
    if result.refusal == "active":
        raise AcceptedMeanwhile
    refuse(result.refusal)
    address = str(result.address)
    mail.write(db, "family-invitation", address, messages.invitation(plan.plan_name, host, token), secret=True)
    audit.record(db, "family.invited-again", "Sent an invitation again", membership_id=str(invitation_id))
    return address


def take_back(db: Session, invitation_id: UUID) -> bool:
    """The invitation opens nothing any more, and its seat is free. False if it is not the current user's."""
    was = db.scalar(REVOKE, {"invitation": invitation_id})
    if was == "active":
        raise AcceptedMeanwhile
    if was == "invited":
        audit.record(db, "family.invitation-revoked", "Took an invitation back", membership_id=str(invitation_id))
    return was is not None


def accept(db: Session, token: str, own_plan: str = "not_yet") -> None:
    """The seat of an invitation, to the current user. Raises Refused.

    Who also pays alone says what becomes of that: `period_end`, `now_with_credit` or `not_yet`.
    """
    seated = ACCEPT.one(db, token=key_hash(token))
    if seated.refusal == "active":
        return
    refuse(seated.refusal)
    _joined(db, seated, None)
    if own_plan in ("period_end", "now_with_credit"):
        me: UUID = db.scalars(select(ME)).one()
        note_wish(db, me, "end")
        stop_own.enqueue(db, user_id=me, when=own_plan)


def sign_up(db: Session, token: str, newcomer: Newcomer, password_hash: str) -> UUID:
    """As nobody yet: an account on the invited address, proven by the link, and the seat in one. Raises Refused."""
    wanted = json.dumps({**asdict(newcomer), "password_hash": password_hash})
    seated = SIGN_UP.one(db, token=key_hash(token), newcomer=wanted)
    refuse(seated.refusal)
    if invited := invitation(db, token):
        free_days.give(db, seated.person, invited.email)
    audit.record(
        db,
        "account.confirmed",
        "An address was confirmed by an invitation",
        subject_id=seated.person,
        category="security",
    )
    _joined(db, seated, seated.person)
    return seated.person


def decline(db: Session, token: str) -> None:
    """No to an invitation; the seat is free again. Twice is once. Raises Gone."""
    result = DECLINE.one_or_none(db, token=key_hash(token))
    if result is None or result.state not in ("declined", "was declined"):
        raise Gone
    if result.state == "declined":
        audit.record(db, "family.declined", "Declined an invitation", membership_id=str(result.membership))
        tell(db, "declined", result.membership)


def tell_missed(db: Session, token: str) -> None:
    """Somebody came second with one invitation: who invited should know."""
    seat = ACCEPT.one(db, token=key_hash(token))
    if seat.refusal == "taken":
        tell(db, "missed", seat.membership)


def pays_alone(db: Session) -> datetime | None:
    """Until when the current user has paid for a plan of their own, if they have one: a day that is over when the payment for
    the time since failed, and is still tried.
    """
    until: datetime | None = db.scalar(PAID_ALONE, {"at": clock.now()})
    return until


def bring_back(db: Session, plan: FamilyPlan, host: str) -> int:
    """Invite everybody who was in the current user's family until it ended; how many. Raises Refused."""
    people = former(db)
    for person in people:
        invite(db, plan, host, person.email)
    return len(people)


def _joined(db: Session, seated: Seated | SignedUp, person: UUID | None) -> None:
    audit.record(db, "family.joined", "Joined a family", subject_id=person, membership_id=str(seated.membership))
    tell(db, "joined", seated.membership)
