"""The verbs of an account. They change rows, write the log and the mail, and never commit."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import time
from uuid import UUID

from flask import current_app
from sqlalchemy import Row, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts import free_days, messages, passwords, sealed
from portal.accounts.events import factor_said_lost, person_changed, reset_asked
from portal.accounts.member import code_hash, key_hash, new_key
from portal.accounts.models import SignIn, User
from portal.database import broken_rule
from portal.problems import Refused

SIGN_UP = text("select user_id, known from auth.sign_up(:email, cast(:newcomer as jsonb), :token, :code)")
SIGN_UP_AGAIN = text("select user_id, email from auth.sign_up_again(:old, :token, :code)")
OPEN_SIGN_UP = text("select auth.open_sign_up(:email, :code, :fresh)")
READ_SIGN_UP = text("select email, first_name, last_name from auth.read_sign_up(:token)")
ASK_RESET = text("select * from auth.ask_reset(:email, :token, :code)")
REDEEM = text(
    "select user_id, email, factor_ends from auth.redeem(:purpose, :token, :email, :code, :new_hash, :factor_lost)"
)
PASSWORD_OF = text("select user_id, password_hash, suspended from auth.password_of(:email)")
REHASH = text("select auth.rehash(:user_id, :old_hash, :new_hash)")
OPEN_SIGN_IN = text("select auth.open_sign_in(:user_id, :key, :device, cast(:network as inet), :before)")
OWN_PASSWORD = text("select auth.own_password()")
SET_OWN_PASSWORD = text("select auth.set_own_password(:new_hash)")
SET_ACCOUNT_STATUS = text("select auth.set_account_status(:person, :active, :admin)")


class LastAdmin(Refused):
    """The last admin stays. Make somebody else an admin first."""


@dataclass(frozen=True)
class Newcomer:
    """What a newcomer typed. It becomes true only through the mail it caused, and opens nothing before."""

    email: str
    first_name: str
    last_name: str | None
    timezone: str


@dataclass(frozen=True)
class Redeemed:
    """What a mailed link or code did: whose password it set, and whether a second factor of theirs ends now in time."""

    user_id: UUID
    factor_ends: bool


@dataclass(frozen=True)
class Known:
    """Whose address and password were given together, and whether the club has suspended them."""

    user_id: UUID
    suspended: bool


def sign_up(db: Session, newcomer: Newcomer) -> str:
    """Send one mail to the address: to go on from, or to say that it has an account already.

    Returns what the browser keeps to ask for the mail again; it opens nothing.
    """
    token, code = new_key(), new_code()
    row = db.execute(
        SIGN_UP,
        {"email": newcomer.email, "newcomer": json.dumps(asdict(newcomer)), **_hashes(newcomer.email, token, code)},
    ).one()
    if row.known:
        mail.write(db, "known", newcomer.email, messages.known(), user_id=row.user_id)
    else:
        mail.write(db, "verify", newcomer.email, messages.verify(token, code), user_id=row.user_id, secret=True)
    audit.record(
        db, "account.signed-up", "Somebody signed up", subject_id=row.user_id, category="security", known=row.known
    )
    return key_hash(token).hex()


def sign_up_again(db: Session, email: str, old: str) -> str:
    """Mail a new link and code for the sign-up this browser began; the ones before stop working.

    Returns what the browser keeps from now on, another one whether or not there was anything to mail: a cookie can be read.
    """
    token, code = new_key(), new_code()
    params = {**_hashes(email, token, code), "old": bytes.fromhex(old)}
    found = db.execute(SIGN_UP_AGAIN, params).one_or_none()
    if found:
        message = messages.verify(token, code)
        mail.write(db, "verify", found.email, message, user_id=found.user_id, secret=True)
    return key_hash(token).hex()


def open_sign_up(db: Session, email: str, code: str) -> str | None:
    """The typed code opens what the link of its mail does: a token of its own for this browser. None if it does not fit."""
    fresh = new_key()
    params = {"email": email, "code": _hashes(email, None, code)["code"], "fresh": key_hash(fresh)}
    if db.scalar(OPEN_SIGN_UP, params):
        return fresh
    # Not raised: a wrong code is counted, and what is raised leaves no trace.
    audit.record(db, "verify.refused", "A link or code opened nothing", category="security", level="warn")
    return None


def sign_up_of(db: Session, token: str) -> Row[tuple[str, str | None, str | None]] | None:
    """Address and names of the sign-up this token can still finish. Looking changes nothing."""
    return db.execute(READ_SIGN_UP, {"token": key_hash(token)}).one_or_none()


def confirm(db: Session, token: str, password_hash: str) -> UUID | None:
    """The address is theirs, and so is the password that was chosen where its mail led. None if it leads nowhere any more."""
    redeemed = _redeem(db, "verify", token, "", "", password_hash)
    if redeemed is None:
        return None
    user_id: UUID = redeemed.user_id
    free_days.give(db, user_id, redeemed.email)
    audit.record(db, "account.confirmed", "An address was confirmed", subject_id=user_id, category="security")
    return user_id


def ask_reset(db: Session, email: str) -> None:
    """A new password was asked for. The same work for any address: whether it has an account, the worker finds out."""
    reset_asked.publish(db, email=sealed.seal(email))
    audit.record(db, "password.reset-asked", "A new password was asked for", category="security")


def send_reset(db: Session, email: str) -> None:
    """Mail a link and code for a new password, if the address has an account. As the worker."""
    token, code = new_key(), new_code()
    found = db.execute(ASK_RESET, {"email": email, **_hashes(email, token, code)}).one_or_none()
    if found:
        message = messages.reset(found.first_name, token, code)
        mail.write(db, "reset", found.email, message, user_id=found.user_id, secret=True)
        audit.record(
            db,
            "password.reset-sent",
            "A new password was offered by mail",
            subject_id=found.user_id,
            category="security",
        )


def offer_password(db: Session, email: str) -> str:
    """Where the confirmed account of `email` chooses a password, for half an hour: told to an operator, not by mail."""
    token, code = new_key(), new_code()
    db.execute(ASK_RESET, {"email": email, **_hashes(email, token, code)})
    return f"/reset/{token}"


def reset(
    db: Session, password: str, *, token: str | None = None, email: str = "", code: str = "", factor_lost: bool = False
) -> Redeemed | None:
    """Set a new password by mailed link or code; every sign-in of the account ends. None if it opens nothing.

    A member's second factor that is said to be lost ends in three days, unless somebody gives a code before.
    """
    row = _redeem(db, "reset", token, email, code, passwords.hashed(password), factor_lost)
    if row is None:
        return None
    audit.record(db, "password.reset", "The password was reset by mail", subject_id=row.user_id, category="security")
    mail.write(db, "password", row.email, messages.password_reset(), user_id=row.user_id)
    if row.factor_ends:
        audit.record(
            db,
            "second-factor.said-lost",
            "A second factor was said to be lost",
            subject_id=row.user_id,
            category="security",
            level="warn",
        )
        factor_said_lost.publish(db, user_id=row.user_id)
    return Redeemed(row.user_id, row.factor_ends)


def is_of(db: Session, email: str, user_id: UUID) -> bool:
    """Whether the address is that account's."""
    row = db.execute(PASSWORD_OF, {"email": email}).one_or_none()
    return row is not None and row.user_id == user_id


def check_password(db: Session, email: str, password: str) -> Known | None:
    """Whose address and password these are, or None; the same work either way.

    A hash made with other settings, or of the password in another Unicode form, is made anew.
    """
    row = db.execute(PASSWORD_OF, {"email": email}).one_or_none()
    form = passwords.fitting_form(password, row.password_hash if row else None)
    if form is None or row is None:
        audit.record(
            db,
            "sign-in.refused",
            "Address and password did not match",
            category="security",
            level="warn",
            subject_id=row.user_id if row else None,
        )
        return None
    if passwords.outdated(row.password_hash) or form != passwords.kept_form(password):
        new_hash = passwords.hashed(password)
        db.execute(REHASH, {"user_id": row.user_id, "old_hash": row.password_hash, "new_hash": new_hash})
    return Known(row.user_id, row.suspended)


def open_sign_in(
    db: Session, user_id: UUID, device: str, network: str | None, in_place_of: str | None = None
) -> str | None:
    """Start a sign-in; the key to put into the browser's session. None if the account may not (inactive).

    `in_place_of` is the key the same browser held before; its sign-in ends.
    """
    key = new_key()
    sign_in_id = db.scalar(
        OPEN_SIGN_IN,
        {
            "user_id": user_id,
            "key": key_hash(key),
            "device": device,
            "network": network,
            "before": key_hash(in_place_of) if in_place_of else None,
        },
    )
    if sign_in_id is None:
        return None
    audit.record(db, "sign-in.opened", f"Signed in on {device}", subject_id=user_id, category="security")
    return key


def is_own_password(db: Session, password: str) -> bool:
    """Whether this is the current user's password; a wrong one is noted."""
    if passwords.fits(password, db.scalar(OWN_PASSWORD)):
        return True
    audit.record(db, "password.refused", "The password did not match", category="security", level="warn")
    return False


def change_password(db: Session, user_id: UUID, email: str, new: str, keep: UUID) -> None:
    """A new password for the current user, who is told by mail; every sign-in but `keep` ends."""
    db.execute(SET_OWN_PASSWORD, {"new_hash": passwords.hashed(new)})
    end_others(db, keep)
    audit.record(db, "password.changed", "The password was changed", category="security")
    mail.write(db, "password", email, messages.password_changed(), user_id=user_id)


def change_profile(
    db: Session, user_id: UUID, first_name: str, last_name: str | None, timezone: str, preferred_meeting_time: time
) -> None:
    """New names, zone or preferred hour (wall time in their own zone) for the current user."""
    db.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            first_name=first_name, last_name=last_name, timezone=timezone, preferred_meeting_time=preferred_meeting_time
        )
    )
    person_changed.publish(db, user_id=user_id)
    audit.record(db, "profile.changed", "The profile was changed")


def end_sign_in(db: Session, sign_in_id: UUID) -> bool:
    """End one of the current user's sign-ins, at once and for its open streams too."""
    ended = db.execute(
        update(SignIn).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None)).values(ended_at=clock.now())
    )
    audit.record(db, "sign-in.ended", "A sign-in was ended", category="security")
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def end_others(db: Session, keep: UUID) -> None:
    """End every sign-in of the current user but this one."""
    db.execute(update(SignIn).where(SignIn.id != keep, SignIn.ended_at.is_(None)).values(ended_at=clock.now()))
    audit.record(db, "sign-in.others-ended", "All other sign-ins were ended", category="security")


def set_account_status(
    db: Session, person_id: UUID, email: str, *, active: bool | None = None, admin: bool | None = None, reason: str
) -> None:
    """An admin's word on who may come in and who plans, with a reason; None leaves that alone. They are told by mail.

    Losing either ends every sign-in. Raises LastAdmin.
    """
    try:
        db.execute(SET_ACCOUNT_STATUS, {"person": person_id, "active": active, "admin": admin})
    except IntegrityError as refusal:
        if broken_rule(refusal) == "check_last_admin":
            raise LastAdmin from refusal
        raise
    audit.record(
        db,
        "account.standing",
        "Whether somebody may come in, or plan, was changed",
        category="security",
        level="warn",
        subject_id=person_id,
        active=active,
        admin=admin,
        reason=reason,
    )
    mail.write(db, "standing", email, messages.account_status(active, admin, reason), user_id=person_id)


def _redeem(
    db: Session, purpose: str, token: str | None, email: str, code: str, new_hash: str, factor_lost: bool = False
) -> Row[tuple[UUID, str, bool]] | None:
    params = {"purpose": purpose, "email": email, "new_hash": new_hash, "factor_lost": factor_lost}
    row = db.execute(REDEEM, {**params, **_hashes(email, token, code)}).one_or_none()
    if row is None:
        # Not raised: a wrong code is counted, and what is raised leaves no trace.
        audit.record(db, f"{purpose}.refused", "A link or code opened nothing", category="security", level="warn")
    return row


def _hashes(email: str, token: str | None, code: str) -> dict[str, object]:
    secret = current_app.config["SETTINGS"].secret_key
    return {"token": key_hash(token) if token else None, "code": code_hash(secret, email, code) if code else None}


def new_code() -> str:
    """Six digits for a mail."""
    return f"{secrets.randbelow(1_000_000):06}"
