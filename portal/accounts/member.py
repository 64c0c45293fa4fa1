"""The person at the other end of a request, as Flask-Login's current_user."""

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

from flask_login import AnonymousUserMixin, UserMixin

from portal import clock
from portal.access import FRESH_FOR, login_manager
from portal.database import db
from portal.database.identity import Browser, Person, act_as, person


class Member(UserMixin):
    """One signed-in person: a row read with the identity of the transaction, not a model."""

    def __init__(self, key: str, row: Person) -> None:
        self.key = key
        self.sign_in_id: UUID = row.sign_in_id
        self.id: UUID = row.id
        self.email: str = row.email
        self.first_name: str | None = row.first_name
        self.last_name: str | None = row.last_name
        self.timezone: str = row.timezone
        self.is_admin: bool = row.is_admin
        self.access_until: datetime | None = row.access_until
        self.paid_until: datetime | None = row.subscription_expiry
        self.proved_at: datetime | None = row.proved_at

    def get_id(self) -> str:
        """What the session keeps: the sign-in's key, never the person's id."""
        return self.key

    @property
    def display_name(self) -> str:
        """First and last name, either, or the mailbox part of the address."""
        return display_name(self.first_name, self.last_name, self.email)

    @property
    def entitled(self) -> bool:
        """Whether this moment is paid for or given."""
        return self.access_until is not None and self.access_until > clock.now()

    @property
    def in_grace(self) -> bool:
        """Whether only the days kept after a failed payment still open the door."""
        return self.entitled and self.paid_until is not None and self.paid_until <= clock.now()

    @property
    def acts_as_admin(self) -> bool:
        """An admin who gave a second factor in this sign-in; without it an admin is a member."""
        return self.is_admin and self.proved_at is not None

    @property
    def must_prove(self) -> bool:
        """Whether what changes the account waits for a code: there is a second factor, given longer ago than just now."""
        return self.proved_at is not None and not self.is_fresh

    @property
    def is_fresh(self) -> bool:
        """Whether the second factor was given a short while ago."""
        return self.proved_at is not None and self.proved_at > clock.now() - FRESH_FOR


class NewSignIn(UserMixin):
    """A sign-in that was just opened: Flask-Login keeps its key, the next request finds the person."""

    def __init__(self, key: str) -> None:
        self.key = key

    def get_id(self) -> str:
        """The key."""
        return self.key


class Visitor(AnonymousUserMixin):
    """A visitor: nobody is signed in."""

    id = None
    is_admin = acts_as_admin = must_prove = False
    entitled = in_grace = False
    first_name = display_name = ""


login_manager.anonymous_user = Visitor


def display_name(first: str | None, last: str | None, email: str) -> str:
    """How a person is called in lists."""
    return " ".join(filter(None, (first, last))) or email.partition("@")[0]


def new_key() -> str:
    """A fresh 256-bit secret for a sign-in or a link."""
    return secrets.token_urlsafe(32)


def key_hash(key: str) -> bytes:
    """What the database keeps of a random key. Plain SHA-256: a 256-bit secret needs no salt."""
    return hashlib.sha256(key.encode()).digest()


def code_hash(secret: str, address: str, code: str) -> bytes:
    """What the database keeps of a six-digit code: useless without the portal's own secret."""
    return hmac.digest(secret.encode(), f"{address.strip().lower()}:{code}".encode(), "sha256")


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load(key: str) -> Member | None:
    """The person a browser's key belongs to; from here on the database knows too."""
    session = db.session()
    act_as(session, Browser(key_hash(key)))
    row = person(session)
    return Member(key, row) if row else None
