"""The verbs of an account. They change rows, write the log and the mail, and never commit."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import time, timedelta
from uuid import UUID

from flask import current_app
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit, clock, jobs, mail
from portal.accounts import free_days, letters, passwords, sealed
from portal.accounts.member import code_hash, key_hash, new_key
from portal.accounts.models import SignIn, User
from portal.database import broken_rule
from portal.problems import Refused

SIGN_UP = text("select * from auth.sign_up(:email, cast(:given as jsonb), :token, :code, :at, :until)")
SIGN_UP_AGAIN = text("select * from auth.sign_up_again(:old, :token, :code, :at, :until)")
ASK_RESET = text("select * from auth.ask_reset(:email, :token, :code, :at, :until)")
REDEEM = text("select auth.redeem(:purpose, :token, :email, :code, :new_hash, :at)")
PASSWORD_OF = text("select user_id, password_hash from auth.password_of(:email)")
REHASH = text("select auth.rehash(:user_id, :old_hash, :new_hash)")
OPEN_SIGN_IN = text("select auth.open_sign_in(:user_id, :key, :device, cast(:network as inet), :at, :before)")
OWN_PASSWORD = text("select auth.own_password()")
SET_OWN_PASSWORD = text("select auth.set_own_password(:new_hash, :at)")
SET_STANDING = text("select auth.set_standing(:person, :active, :admin, :at)")
ADDRESS_BEHIND = text("select auth.address_behind(:token)")

VERIFY_FOR = timedelta(hours=24)
RESET_FOR = timedelta(minutes=30)
ADDRESS_FOR = timedelta(minutes=10)


class LastAdmin(Refused):
    """The last admin stays. Make somebody else an admin first."""


@dataclass(frozen=True)
class Given:
    """What a newcomer typed. It becomes true only through the mail it caused."""

    email: str
    first_name: str
    last_name: str | None
    timezone: str
    password_hash: str = field(repr=False)


def sign_up(db: Session, given: Given) -> str:
    """Send one mail to the address: to confirm it, or to say that it has an account already.

    Returns what the browser keeps to ask for the mail again; it opens nothing.
    """
    token, code = new_key(), new_code()
    row = db.execute(
        SIGN_UP,
        {"email": given.email, "given": _json(given), "until": clock.now() + VERIFY_FOR, **_hashes(given.email, token, code)},
    ).one()  # fmt: skip
    if row.known:
        mail.write(db, "known", given.email, letters.known(), user_id=row.user_id)
    else:
        mail.write(
            db, "verify", row.email, letters.verify(token, code), user_id=row.user_id, secret=True
        )
    audit.record(
        db, "account.signed-up", "Somebody signed up", subject_id=row.user_id, category="security", known=row.known
    )
    return key_hash(token).hex()


def sign_up_again(db: Session, email: str, old: str) -> str:
    """Mail a new link and code for the sign-up this browser began; the ones before stop working.

    Returns what the browser keeps from now on, another one whether or not there was anything to mail: a cookie can be read.
    """
    token, code = new_key(), new_code()
    asked = {**_hashes(email, token, code), "old": bytes.fromhex(old), "until": clock.now() + VERIFY_FOR}
    found = db.execute(SIGN_UP_AGAIN, asked).one_or_none()
    if found:
        letter = letters.verify(token, code)
        mail.write(db, "verify", found.email, letter, user_id=found.user_id, secret=True)
    return key_hash(token).hex()


def confirm(db: Session, *, token: str | None = None, email: str = "", code: str = "") -> UUID | None:
    """The address is theirs: by the link, or by address and typed code. None if it opens nothing (any more)."""
    user_id = _redeem(db, "verify", token, email, code, None)
    if user_id is None:
        return None
    free_days.give(db, user_id, email if token is None else db.scalar(ADDRESS_BEHIND, {"token": key_hash(token)}))
    audit.record(db, "account.confirmed", "An address was confirmed", subject_id=user_id, category="security")
    return user_id


def ask_reset(db: Session, email: str) -> None:
    """A new password was asked for. The same work for any address: whether it has an account, the worker finds out."""
    jobs.enqueue(db, "accounts.send_reset", email=sealed.seal(email))
    audit.record(db, "password.reset-asked", "A new password was asked for", category="security")


def send_reset(db: Session, email: str) -> None:
    """Mail a link and code for a new password, if the address has an account. As the worker."""
    token, code = new_key(), new_code()
    found = db.execute(
        ASK_RESET, {"email": email, "until": clock.now() + RESET_FOR, **_hashes(email, token, code)}
    ).one_or_none()
    if found:
        letter = letters.reset(found.first_name, token, code)
        mail.write(db, "reset", found.email, letter, user_id=found.user_id, secret=True)
        audit.record(
            db,
            "password.reset-sent",
            "A new password was offered by mail",
            subject_id=found.user_id,
            category="security",
        )


def reset(db: Session, password: str, *, token: str | None = None, email: str = "", code: str = "") -> UUID | None:
    """Set a new password by mailed link or code; every sign-in of the account ends. None if it opens nothing."""
    user_id = _redeem(db, "reset", token, email, code, passwords.hashed(password))
    if user_id is None:
        return None
    audit.record(db, "password.reset", "The password was reset by mail", subject_id=user_id, category="security")
    return user_id


def is_of(db: Session, email: str, user_id: UUID) -> bool:
    """Whether the address is that account's."""
    row = db.execute(PASSWORD_OF, {"email": email}).one_or_none()
    return row is not None and row.user_id == user_id


def check_password(db: Session, email: str, password: str) -> UUID | None:
    """Whose address and password these are, or None; the same work either way."""
    row = db.execute(PASSWORD_OF, {"email": email}).one_or_none()
    if not passwords.fits(password, row.password_hash if row else None) or row is None:
        audit.record(
            db, "sign-in.refused", "Address and password did not match", category="security", level="warn",
            subject_id=row.user_id if row else None,
        )  # fmt: skip
        return None
    if passwords.outdated(row.password_hash):
        new_hash = passwords.hashed(password)
        db.execute(REHASH, {"user_id": row.user_id, "old_hash": row.password_hash, "new_hash": new_hash})
    return row.user_id  # type: ignore[no-any-return]


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
            "user_id": user_id, "key": key_hash(key), "device": device, "network": network, "at": clock.now(),
            "before": key_hash(in_place_of) if in_place_of else None,
        },
    )  # fmt: skip
    if sign_in_id is None:
        return None
    audit.record(db, "sign-in.opened", f"Signed in on {device}", subject_id=user_id, category="security")
    return key


def is_own_password(db: Session, password: str) -> bool:
    """Whether this is the asker's password; a wrong one is noted."""
    if passwords.fits(password, db.scalar(OWN_PASSWORD)):
        return True
    audit.record(db, "password.refused", "The password did not match", category="security", level="warn")
    return False


def change_password(db: Session, new: str, keep: UUID) -> None:
    """A new password for the asker; every sign-in but `keep` ends."""
    db.execute(SET_OWN_PASSWORD, {"new_hash": passwords.hashed(new), "at": clock.now()})
    end_others(db, keep)
    audit.record(db, "password.changed", "The password was changed", category="security")


def change_profile(
    db: Session, user_id: UUID, first_name: str, last_name: str | None, timezone: str, preferred_meeting_time: time
) -> None:
    """New names, zone or preferred hour (wall time in their own zone) for the asker."""
    db.execute(
        update(User).where(User.id == user_id).values(
            first_name=first_name, last_name=last_name, timezone=timezone, preferred_meeting_time=preferred_meeting_time
        )
    )  # fmt: skip
    jobs.enqueue(db, "billing.tell_customer", user_id=str(user_id))
    audit.record(db, "profile.changed", "The profile was changed")


def end_sign_in(db: Session, sign_in_id: UUID) -> bool:
    """End one of the asker's sign-ins, at once and for its open streams too."""
    ended = db.execute(
        update(SignIn).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None)).values(ended_at=clock.now())
    )
    audit.record(db, "sign-in.ended", "A sign-in was ended", category="security")
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def end_others(db: Session, keep: UUID) -> None:
    """End every sign-in of the asker but this one."""
    db.execute(update(SignIn).where(SignIn.id != keep, SignIn.ended_at.is_(None)).values(ended_at=clock.now()))
    audit.record(db, "sign-in.others-ended", "All other sign-ins were ended", category="security")


def set_standing(db: Session, person_id: UUID, *, active: bool | None = None, admin: bool | None = None) -> None:
    """An admin's word on who may come in and who plans; None leaves that alone. Losing either ends every sign-in.

    Raises LastAdmin.
    """
    try:
        db.execute(SET_STANDING, {"person": person_id, "active": active, "admin": admin, "at": clock.now()})
    except IntegrityError as refusal:
        if broken_rule(refusal) == "check_last_admin":
            raise LastAdmin from refusal
        raise
    audit.record(
        db, "account.standing", "Whether somebody may come in, or plan, was changed", category="security", level="warn",
        subject_id=person_id, active=active, admin=admin,
    )  # fmt: skip


def _redeem(db: Session, purpose: str, token: str | None, email: str, code: str, new_hash: str | None) -> UUID | None:
    hashes = _hashes(email, token, code)
    user_id: UUID | None = db.scalar(REDEEM, {"purpose": purpose, "email": email, "new_hash": new_hash, **hashes})
    if user_id is None:
        # Not raised: a wrong code is counted, and what is raised leaves no trace.
        audit.record(db, f"{purpose}.refused", "A link or code opened nothing", category="security", level="warn")
    return user_id


def _hashes(email: str, token: str | None, code: str) -> dict[str, object]:
    secret = current_app.config["SETTINGS"].secret_key
    return {
        "token": key_hash(token) if token else None,
        "code": code_hash(secret, email, code) if code else None,
        "at": clock.now(),
    }


def new_code() -> str:
    """Six digits for a mail."""
    return f"{secrets.randbelow(1_000_000):06}"


def _json(given: Given) -> str:
    return json.dumps(asdict(given))
