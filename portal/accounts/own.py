"""What is a member's own to take or to end: another address, a copy of what is kept, the account itself."""

from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit, clock, jobs, live, mail
from portal.accounts import letters
from portal.accounts.actions import ADDRESS_FOR, LastAdmin, new_code
from portal.accounts.member import code_hash, key_hash, new_key
from portal.database import broken_rule
from portal.problems import Refused

ASK_ADDRESS = text("select auth.ask_address(:address, :token, :code, :at, :until)")
CHANGE_ADDRESS = text("select auth.change_address(:code, :at)")
CLOSE = text("select meeting_id, offered from auth.close_account(:at)")

# What the club keeps about one person, but for the log and the mails that person got anyway. Asked in the person's own
# name, so the row policies choose the rows.
KEPT = {
    "profile": """select email, first_name, last_name, timezone, preferred_meeting_time, created_at, last_login_at, is_admin,
        email_verified, subscription_status, subscription_type, subscription_expiry, access_until, family_role, family_joined_at
        from users where id = auth.uid()""",
    "family": """select plan_name, max_members, current_members, created_at, subscription_expiry, billing_cycle
        from family_plans where id = (select family_plan_id from users where id = auth.uid())""",
    "meetings": """select m.title, m.starts_at, a.answer, a.outcome, a.invited_at, a.responded_at, a.joined_at, a.left_at,
        a.join_duration, a.device_type, a.reason
        from meeting_attendances a join meetings m on m.id = a.meeting_id where a.user_id = auth.uid() order by m.starts_at""",
    "stays": """select meeting_id, joined_at, left_at, device_type from presences where user_id = auth.uid() order by joined_at""",
    "orders": """select order_number, status, amount, currency, refunded_amount, subscription_type, billing_cycle, payment_method,
        created_at, completed_at, period_start, period_end from orders where user_id = auth.uid() order by created_at""",
    "days_given": """select kind, starts_at, ends_at, reason, created_at from access_grants
        where user_id = auth.uid() order by created_at""",
    "sign_ins": """select device, network, created_at, seen_at, ended_at, proved_at from sign_ins
        where user_id = auth.uid() order by created_at""",
}


class FamilyLeft(Refused):
    """Others have a seat in your family. Your account can be closed when they have left it."""


def ask_address(db: Session, user_id: UUID, first_name: str | None, address: str) -> None:
    """Mail a code to the new address. One that has an account gets a mail that says so instead; the page is the same."""
    secret, code = current_app.config["SETTINGS"].secret_key, new_code()
    asked = {
        "address": address, "token": key_hash(new_key()), "code": code_hash(secret, str(user_id), code),
        "at": clock.now(), "until": clock.now() + ADDRESS_FOR,
    }  # fmt: skip
    owner = db.scalar(ASK_ADDRESS, asked)
    letter = letters.address_taken() if owner else letters.new_address(first_name, code)
    mail.write(db, "address", address, letter, user_id=owner or user_id, secret=not owner)
    audit.record(db, "address.asked", "Another address was asked for", category="security")


def change_address(db: Session, user_id: UUID, code: str) -> bool:
    """The code that came to the new address: it is theirs, and both addresses are told. False if it opens nothing."""
    secret = current_app.config["SETTINGS"].secret_key
    old = db.scalar(CHANGE_ADDRESS, {"code": code_hash(secret, str(user_id), code), "at": clock.now()})
    if old is None:
        audit.record(db, "address.refused", "A code opened nothing", category="security", level="warn")
        return False
    new = db.scalar(text("select email from users where id = :id"), {"id": user_id})
    for address in (old, new):
        mail.write(db, "address", address, letters.address_changed(new), user_id=user_id)
    audit.record(db, "address.changed", "The address was changed", category="security", level="warn")
    return True


def everything(db: Session) -> dict[str, list[dict[str, Any]]]:
    """What is kept about the asker, as it is kept."""
    audit.record(db, "account.exported", "A copy of one's own data was taken", category="security")
    return {name: [dict(row._mapping) for row in db.execute(text(sql))] for name, sql in KEPT.items()}


def close_account(db: Session, user_id: UUID, email: str) -> None:
    """The end: out of what is coming and of the family, signed out everywhere, and nameless at once; orders stay.

    Raises FamilyLeft or LastAdmin.
    """
    try:
        changed = db.execute(CLOSE, {"at": clock.now()}).all()
    except IntegrityError as refusal:
        kinds: dict[str | None, type[Refused]] = {"check_family_left": FamilyLeft, "check_last_admin": LastAdmin}
        if kind := kinds.get(broken_rule(refusal)):
            raise kind from refusal
        raise
    for meeting_id, offered in changed:
        for person in offered or ():
            jobs.enqueue(db, "attendance.tell_offer", meeting_id=str(meeting_id), user_id=str(person))
        live.announce(db, meeting_id)
    jobs.enqueue(db, "billing.stop_own", user_id=str(user_id), when="now")
    audit.record(db, "account.closed", "The account was closed", category="security", level="warn", subject_id=user_id)
    mail.write(db, "closed", email, letters.closed())
