"""The verbs of a family, in the asker's own name unless they say so. None of them commits."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, jobs, mail
from portal.accounts.actions import WELCOME, Given
from portal.accounts.member import key_hash, new_key
from portal.accounts.models import User
from portal.billing.actions import project
from portal.database.identity import ME
from portal.families import letters
from portal.families.models import FamilyPlan, Membership
from portal.problems import Refused

INVITE = text("select membership, refusal from invite_to_family(:plan, :address, :token, :at)")
RENEW = text("select address, refusal from renew_invitation(:invitation, :token, :at)")
REVOKE = text("select revoke_invitation(:invitation, :at)")
ACCEPT = text("select * from accept_invitation(:token, :at)")
SIGN_UP = text("select * from sign_up_to_family(:token, cast(:given as jsonb), :at)")
DECLINE = text("select membership, state from decline_invitation(:token, :at)")
LEAVE = text("select membership, refusal from leave_family(:at)")
REMOVE = text("select membership, refusal from remove_member(:plan, :person, :at)")
UNDO = text("select person, refusal from undo_removal(:removed, :at)")
PROPOSE = text("select propose_transfer(:plan, :person, :at)")
TAKE_OVER = text("select take_over_family(:plan, :person, :at)")
DISSOLVE = text("select dissolve_family(:plan, :at)")
FORMER = text("select email, first_name from former_family(:at)")
PAID_ALONE = text("""
select max(promised_until) from my_access_sources()
 where source = 'own' and subscription_type = 'individual' and promised_until > :at
""")
SET_SEATS = text("select set_family_seats(:plan, :seats, :at)")

UNDO_FOR = timedelta(seconds=10)


class NoSeatFree(Refused):
    """Every seat of this plan is taken or promised."""


class InAFamily(Refused):
    """You are in a family already. Leave it first, then open the invitation again."""


class InAlready(Refused):
    """Somebody with this address is in your family already."""


class InvitedAlready(Refused):
    """This address is invited already. You can send the invitation again below."""


class EnoughForToday(Refused):
    """That were ten invitations in a day. Go on tomorrow."""


class Ending(Refused):
    """The plan is ending, so nobody new can be invited."""


class Gone(Refused):
    """This invitation does not work any more. Ask for a new one."""


class Taken(Refused):
    """Somebody else has taken this seat with the same invitation. Ask for one of your own; we have told who invited."""


class RanOut(Refused):
    """This invitation ran out after 14 days. Ask for a new one."""


class TakenBack(Refused):
    """This invitation was taken back. Ask who invited you."""


class Declined(Refused):
    """You said no to this invitation. Ask for a new one if you think otherwise now."""


class Known(Refused):
    """This address has an account. Sign in with it and open the invitation again."""


class AcceptedMeanwhile(Refused):
    """They accepted a moment ago and are in the family now."""


class PrimaryStays(Refused):
    """Who pays the plan stays in it: hand it over first, or end it."""


class TooLate(Refused):
    """The ten seconds are over. Send an invitation instead."""


class BackElsewhere(Refused):
    """They have taken a seat in another family meanwhile."""


class TooFew(Refused):
    """More people are in or invited than that. Remove somebody or take an invitation back first."""


REFUSALS: dict[str, type[Refused]] = {
    "full": NoSeatFree, "in-a-family": InAFamily, "in-already": InAlready, "invited-already": InvitedAlready,
    "enough": EnoughForToday, "ending": Ending, "taken": Taken, "expired": RanOut, "revoked": TakenBack,
    "declined": Declined, "known": Known, "primary": PrimaryStays, "late": TooLate, "too-few": TooFew,
}  # fmt: skip


def start(db: Session, primary_id: UUID, name: str, seats: int = 6) -> UUID:
    """As the worker: a plan with its payer in the first seat; `seats` includes the payer. Raises InAFamily."""
    plan_id, at = uuid4(), clock.now()
    free = select(User.id).where(User.id == primary_id, User.family_plan_id.is_(None)).with_for_update()
    if db.scalar(free) is None:
        raise InAFamily
    db.execute(
        insert(FamilyPlan).values(
            id=plan_id, primary_user_id=primary_id, plan_name=name, max_members=seats, created_at=at
        )
    )
    db.execute(
        insert(Membership).values(
            id=uuid4(), plan_id=plan_id, user_id=primary_id, role="primary", state="active", joined_at=at
        )
    )
    project(db, primary_id)
    db.execute(update(FamilyPlan).where(FamilyPlan.id == plan_id).values(told_until=FamilyPlan.subscription_expiry))
    audit.record(db, "family.started", f"Started {name}", subject_id=primary_id)
    return plan_id


def rename(db: Session, plan_id: UUID, name: str) -> None:
    """The primary's word for the plan (the policy lets nobody else)."""
    db.execute(update(FamilyPlan).where(FamilyPlan.id == plan_id).values(plan_name=name))
    audit.record(db, "family.renamed", f"Renamed to {name}")


# --- into it ---------------------------------------------------------------------------------------------------------


def invite(db: Session, plan: Any, host: str, address: str) -> None:
    """Hold a seat for 14 days and mail its link to `address`. Raises Refused."""
    token = new_key()
    given = {"plan": plan.id, "address": address, "token": key_hash(token), "at": clock.now()}
    asked = db.execute(INVITE, given).one()
    _raise(asked.refusal)
    mail.write(db, "family-invitation", address, letters.invitation(plan.plan_name, host, token), secret=True)
    audit.record(db, "family.invited", "Invited somebody", membership_id=str(asked.membership))


def send_again(db: Session, plan: Any, host: str, invitation_id: UUID) -> str | None:
    """The invitation once more, with a new link; the one before opens nothing. The address; None: not the asker's."""
    token = new_key()
    given = {"invitation": invitation_id, "token": key_hash(token), "at": clock.now()}
    asked = db.execute(RENEW, given).one_or_none()
    if asked is None:
        return None
    if asked.refusal == "active":
        raise AcceptedMeanwhile
    _raise(asked.refusal)
    mail.write(db, "family-invitation", asked.address, letters.invitation(plan.plan_name, host, token), secret=True)
    audit.record(db, "family.invited-again", "Sent an invitation again", membership_id=str(invitation_id))
    return str(asked.address)


def take_back(db: Session, invitation_id: UUID) -> bool:
    """The invitation opens nothing any more, and its seat is free. False if it is not the asker's."""
    was = db.scalar(REVOKE, {"invitation": invitation_id, "at": clock.now()})
    if was == "active":
        raise AcceptedMeanwhile
    if was == "invited":
        audit.record(db, "family.invitation-revoked", "Took an invitation back", membership_id=str(invitation_id))
    return was is not None


def accept(db: Session, token: str, own_plan: str = "not_yet") -> None:
    """The seat of an invitation, to the asker. Raises Refused.

    Who also pays alone says what becomes of that: `period_end`, `now_with_credit` or `not_yet`.
    """
    seated = db.execute(ACCEPT, {"token": key_hash(token), "at": clock.now()}).one()
    if seated.refusal == "active":
        return
    _raise(seated.refusal)
    _joined(db, seated, None)
    if own_plan in ("period_end", "now_with_credit"):
        jobs.enqueue(db, "billing.stop_own", user_id=str(db.scalar(select(ME))), when=own_plan)


def sign_up(db: Session, token: str, given: Given, welcome_days: int) -> UUID:
    """As nobody yet: an account on the invited address, proven by the link, and the seat in one. Raises Refused."""
    at = clock.now()
    seated = db.execute(SIGN_UP, {"token": key_hash(token), "given": json.dumps(asdict(given)), "at": at}).one()
    _raise(seated.refusal)
    db.execute(WELCOME, {"user_id": seated.person, "days": welcome_days, "at": at})
    audit.record(
        db, "account.confirmed", "An address was confirmed by an invitation", subject_id=seated.person,
        category="security",
    )  # fmt: skip
    _joined(db, seated, seated.person)
    return seated.person  # type: ignore[no-any-return]


def decline(db: Session, token: str) -> None:
    """No to an invitation; the seat is free again. Twice is once. Raises Gone."""
    said = db.execute(DECLINE, {"token": key_hash(token), "at": clock.now()}).one_or_none()
    if said is None or said.state not in ("declined", "was declined"):
        raise Gone
    if said.state == "declined":
        audit.record(db, "family.declined", "Declined an invitation", membership_id=str(said.membership))
        _tell(db, "declined", said.membership)


def tell_missed(db: Session, token: str) -> None:
    """Somebody came second with one invitation: who invited should know."""
    seat = db.execute(ACCEPT, {"token": key_hash(token), "at": clock.now()}).one()
    if seat.refusal == "taken":
        _tell(db, "missed", seat.membership)


def pays_alone(db: Session) -> datetime | None:
    """Until when the asker has paid for a plan of their own, if they have."""
    until: datetime | None = db.scalar(PAID_ALONE, {"at": clock.now()})
    return until


def bring_back(db: Session, plan: Any, host: str) -> int:
    """Invite everybody who was in the asker's family until it ended; how many. Raises Refused."""
    people = db.execute(FORMER, {"at": clock.now()}).all()
    for person in people:
        invite(db, plan, host, person.email)
    return len(people)


# --- out of it -------------------------------------------------------------------------------------------------------


def leave(db: Session) -> None:
    """The asker's seat is free and the plan covers them no longer, from now on. Raises PrimaryStays."""
    left = db.execute(LEAVE, {"at": clock.now()}).one()
    if left.refusal == "unknown":
        return
    _raise(left.refusal)
    audit.record(db, "family.left", "Left the family", membership_id=str(left.membership))
    _tell(db, "left", left.membership)


def remove(db: Session, plan_id: UUID, person_id: UUID, reason: str | None = None) -> UUID | None:
    """Somebody's seat is free, as the primary or an admin says; told in ten seconds. None if there is none to take.

    The id is what `undo` wants within those seconds.
    """
    gone = db.execute(REMOVE, {"plan": plan_id, "person": person_id, "at": clock.now()}).one_or_none()
    if gone is None:
        return None
    _raise(gone.refusal)
    audit.record(db, "family.removed", "Removed somebody from the family", subject_id=person_id, reason=reason)
    what = "removed_by_club" if reason else "removed"
    jobs.enqueue(db, "families.tell", UNDO_FOR, what=what, membership_id=str(gone.membership))
    return gone.membership  # type: ignore[no-any-return]


def undo(db: Session, removed_id: UUID) -> bool:
    """The seat back to who was just removed. False if it is not the asker's to give; raises TooLate and its kin."""
    back = db.execute(UNDO, {"removed": removed_id, "at": clock.now()}).one_or_none()
    if back is None:
        return False
    if back.refusal == "in-a-family":
        raise BackElsewhere
    if back.refusal != "active":
        _raise(back.refusal)
        audit.record(db, "family.removal-undone", "Took a removal back", subject_id=back.person)
    return True


# --- over and out ----------------------------------------------------------------------------------------------------


def propose_transfer(db: Session, plan_id: UUID, person_id: UUID, reason: str | None = None) -> bool:
    """Ask a member to take over plan and payments; nothing changes until they have paid. False if they cannot be."""
    if db.scalar(PROPOSE, {"plan": plan_id, "person": person_id, "at": clock.now()}) != "proposed":
        return False
    audit.record(db, "family.transfer-proposed", "Proposed to hand over", subject_id=person_id, reason=reason)
    what = "transfer_by_club" if reason else "transfer"
    jobs.enqueue(db, "families.tell_plan", what=what, plan_id=str(plan_id))
    return True


def end_transfer(db: Session, plan_id: UUID) -> bool:
    """The proposal is off: the primary takes it back, or who was asked says no. False if it is not theirs to end."""
    was = db.scalar(PROPOSE, {"plan": plan_id, "person": None, "at": clock.now()})
    if was == "withdrawn":
        audit.record(db, "family.transfer-withdrawn", "A proposal to hand over is off")
        jobs.enqueue(db, "families.tell_plan", what="transfer_off", plan_id=str(plan_id))
    return was is not None


def take_over(db: Session, plan_id: UUID, new_primary_id: UUID) -> bool:
    """As the worker, once the new primary has paid: roles and payer change at once, and the old one's plan ends.

    If the proposal no longer stands the family stays as it is, and the new payment is given back.
    """
    before = db.scalar(TAKE_OVER, {"plan": plan_id, "person": new_primary_id, "at": clock.now()})
    if before is None:
        payer = db.scalar(select(FamilyPlan.primary_user_id).where(FamilyPlan.id == plan_id))
        if payer != new_primary_id:
            audit.record(
                db, "family.take-over-refused", "Paid for a proposal that was off", subject_id=new_primary_id,
                level="warn",
            )  # fmt: skip
            jobs.enqueue(db, "billing.stop_own", user_id=str(new_primary_id), when="now_with_credit")
        return False
    audit.record(db, "family.taken-over", "Took the family over", subject_id=new_primary_id, before=str(before))
    jobs.enqueue(db, "billing.stop_own", user_id=str(before), when="period_end")
    jobs.enqueue(db, "families.tell_plan", what="taken_over", plan_id=str(plan_id))
    return True


def dissolve(db: Session, plan_id: UUID, payer_id: UUID) -> datetime | None:
    """The primary lets the plan end: everybody keeps the paid date, told by mail. The date; None: not the asker's."""
    at = clock.now()
    until: datetime | None = db.scalar(DISSOLVE, {"plan": plan_id, "at": at})
    if until is not None:
        audit.record(db, "family.ending", "Let the family plan end")
        jobs.enqueue(db, "billing.stop_own", user_id=str(payer_id), when="period_end")
        what = "ending" if until > at else "ended"
        jobs.enqueue(db, "families.tell_plan", what=what, plan_id=str(plan_id))
    return until


def set_seats(db: Session, plan_id: UUID, seats: int) -> bool:
    """As an admin: how many the family may be. Raises TooFew below who is in and invited. False if there is no such plan."""
    became = db.scalar(SET_SEATS, {"plan": plan_id, "seats": seats, "at": clock.now()})
    _raise(became if became == "too-few" else None)
    audit.record(db, "family.seats-set", f"Set {seats} seats", plan_id=str(plan_id))
    return became is not None


def share_attendance(db: Session, user_id: UUID, share: bool) -> None:
    """Each person's own switch: whether the family sees their evenings."""
    db.execute(update(User).where(User.id == user_id).values(shares_attendance=share))
    audit.record(db, "family.sharing", f"Sharing attendance: {'on' if share else 'off'}")


def let_answer(db: Session, user_id: UUID, may: bool) -> None:
    """Each person's own switch: whether somebody of the family may say yes to a meeting for them."""
    db.execute(update(User).where(User.id == user_id).values(family_may_answer=may))
    audit.record(db, "family.answering", f"The family may answer: {'yes' if may else 'no'}")


def _joined(db: Session, seated: Row[Any], person: UUID | None) -> None:
    audit.record(db, "family.joined", "Joined a family", subject_id=person, membership_id=str(seated.membership))
    _tell(db, "joined", seated.membership)


def _tell(db: Session, what: str, membership_id: UUID) -> None:
    jobs.enqueue(db, "families.tell", what=what, membership_id=str(membership_id))


def _raise(refusal: str | None) -> None:
    if refusal:
        raise REFUSALS.get(refusal, Gone)
