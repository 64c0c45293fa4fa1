"""The second factor: a code from an app (RFC 6238, every half-minute another), or one of ten recovery codes.

Whoever has one gives a code at each sign-in; an admin has to have one. Like all verbs these never commit.
"""

import hmac
import secrets
from uuid import UUID

import pyotp
from flask import current_app
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts import messages, passwords, sealed
from portal.accounts.member import key_hash, new_key
from portal.problems import Refused
from portal.reference import READABLE

ASKED = text("select * from auth.second_factor(:key, :slot)")
PROVE = text("select auth.prove(:key, :new_key, :step, :slot, :hash, :sealed)")
OWN = text("select * from auth.own_second_factor()")
BEGIN = text("select auth.begin_second_factor(:sealed)")
KEEP = text("select auth.keep_second_factor(:sealed, :step, :hashes, :this, :new_key)")
NEW_CODES = text("select auth.new_recovery_codes(:hashes)")
DROP = text("select auth.drop_second_factor()")

HALF_MINUTE = 30
RECOVERY_CODES = 10
# What is easily read as another letter is taken for it.
_MISREAD = str.maketrans("OIL", "011", " -")


class AdminNeedsOne(Refused):
    """An admin keeps the second factor. You can set up another app in its place."""


def challenge_of(db: Session, key: str, slot: int | None = None) -> Row[tuple[UUID, str, str, int, str | None]] | None:
    """What the sign-in of this key is to be compared with; None if it has no second factor."""
    return db.execute(ASKED, {"key": key_hash(key), "slot": slot}).one_or_none()


def prove(db: Session, key: str, typed: str) -> str | None:
    """Take a code for the sign-in of `key`: the new key of the browser, or None if the code does not fit.

    Each code is taken once; from then on the sign-in is open, and fresh for what matters.
    """
    code = tidy(typed)
    slot = int(code[0]) if len(code) == 12 and code[0].isdecimal() else None
    challenge = challenge_of(db, key, slot)
    step = used = renewed = None
    if challenge and slot is not None and passwords.fits(code, challenge.code_hash):
        used = challenge.code_hash
    elif challenge and slot is None:
        secret = sealed.unseal(challenge.secret)
        step = fitting_step(secret, code, challenge.last_step) if secret else None
        renewed = sealed.seal(secret) if secret and sealed.outdated(challenge.secret) else None
    person, fresh = None, new_key()
    if challenge and (step is not None or used is not None):
        person = db.scalar(
            PROVE,
            {
                "key": key_hash(key),
                "new_key": key_hash(fresh),
                "step": step,
                "slot": slot,
                "hash": used,
                "sealed": renewed,
            },
        )
    if not challenge or person is None:
        audit.record(
            db,
            "second-factor.refused",
            "A second factor did not fit",
            category="security",
            level="warn",
            subject_id=challenge.user_id if challenge else None,
        )
        return None
    audit.record(db, "second-factor.given", "A second factor was given", subject_id=person, category="security")
    if used is not None:
        mail.write(db, "second-factor", challenge.email, messages.recovery_code_used(), user_id=person)
    return fresh


def begin(db: Session, secret: str | None = None) -> None:
    """A new secret for the current user's app to be shown; nothing depends on it before its first code."""
    db.execute(BEGIN, {"sealed": sealed.seal(secret or pyotp.random_base32())})


def shown(db: Session) -> str | None:
    """The secret the current user's app is being shown, if one is."""
    own = db.execute(OWN).one_or_none()
    return sealed.unseal(own.pending) if own and own.pending else None


def keep(
    db: Session, user_id: UUID, email: str, typed: str, this_sign_in: UUID | None, fresh: str | None = None
) -> list[str] | None:
    """The first code of the new app: from now on it is the current user's second factor, and all other sign-ins end.

    This one goes on under the key `fresh`. Ten recovery codes to be shown once; None if the code does not fit what was shown.
    """
    own, secret = db.execute(OWN).one_or_none(), shown(db)
    step = fitting_step(secret, tidy(typed), 0) if secret else None
    if own is None or not step:
        return None
    codes = _codes()
    kept = {
        "sealed": own.pending,
        "step": step,
        "hashes": _hashed(codes),
        "this": this_sign_in,
        "new_key": key_hash(fresh) if fresh else None,
    }
    if not db.scalar(KEEP, kept):
        return None
    audit.record(db, "second-factor.set-up", "A second factor was set up", category="security")
    mail.write(db, "second-factor", email, messages.second_factor_on(), user_id=user_id)
    return codes


def new_recovery_codes(db: Session, user_id: UUID, email: str) -> list[str]:
    """Ten new codes to be shown once; the ten before them open nothing any more."""
    codes = _codes()
    db.execute(NEW_CODES, {"hashes": _hashed(codes)})
    audit.record(db, "second-factor.new-recovery", "New recovery codes were made", category="security")
    mail.write(db, "second-factor", email, messages.new_recovery_codes(), user_id=user_id)
    return codes


def drop(db: Session, user_id: UUID, email: str, is_admin: bool) -> None:
    """The current user goes back to the password alone. Raises AdminNeedsOne."""
    if is_admin:
        raise AdminNeedsOne
    if db.scalar(DROP):
        audit.record(
            db, "second-factor.dropped", "The second factor was switched off", category="security", level="warn"
        )
        mail.write(db, "second-factor", email, messages.second_factor_off(), user_id=user_id)


def fitting_step(secret: str, code: str, last_step: int) -> int | None:
    """The half-minute whose code this is: now, the one before or after, but later than the last one taken."""
    now = int(clock.now().timestamp()) // HALF_MINUTE
    code_at = pyotp.HOTP(secret).at
    fitting = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(code_at(step).encode(), code.encode())]
    return next((step for step in fitting if step > last_step), None)


def address_for_app(secret: str, email: str) -> str:
    """What a QR code tells an app: club, account and secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=current_app.config["SETTINGS"].club_name)


def tidy(typed: str) -> str:
    """A code as it is compared: no spaces or hyphens, no letter that was misread."""
    return typed.upper().translate(_MISREAD)


def _codes() -> list[str]:
    return [str(slot) + "".join(secrets.choice(READABLE) for _ in range(11)) for slot in range(RECOVERY_CODES)]


def _hashed(codes: list[str]) -> list[str]:
    return [passwords.hashed_code(code) for code in codes]


def in_groups(code: str) -> str:
    """A code or secret as people read it, four signs at a time."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))
