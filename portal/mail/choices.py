"""What a person chose about their mails, and the address in every optional mail that switches its kind off."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.database.query import Query
from portal.mail.kinds import CATEGORIES
from portal.mail.models import MailPreferences
from portal.times import moment_of

OWN_COLUMNS = frozenset({"digest", "reminder", "confirmation"})
"""The categories whose choice is more than on or off, or is the same as another: `Choices.is_off`."""

SWITCH_OFF = text("select switch_off_mail(:person, :category)")


@dataclass(frozen=True)
class Choices:
    """A row of `MailPreferences`, or the defaults of who has none."""

    switched_off: Collection[str] = ()
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest: str = "daily"
    reminders: Collection[int] = (60,)
    calendar_mails: bool = True

    def is_off(self, category: str) -> bool:
        """Whether the person wants no mails of this category. What may not be switched off never is."""
        if not CATEGORIES[category].optional:
            return False
        own = {
            "digest": self.digest == "never",
            "reminder": not self.reminders,
            "confirmation": not self.calendar_mails,
        }
        return own.get(category, category in self.switched_off)

    def quiet_ends(self, zone: str, at: datetime) -> datetime | None:
        """When the quiet hours end that `at` is in, where the person lives; None if it is not quiet."""
        if self.quiet_from is None or self.quiet_until is None:
            return None
        here = at.astimezone(ZoneInfo(zone))
        after_begin, before_end = here.time() >= self.quiet_from, here.time() < self.quiet_until
        over_night = self.quiet_from > self.quiet_until
        if not ((after_begin or before_end) if over_night else (after_begin and before_end)):
            return None
        day = here.date() + timedelta(days=over_night and after_begin)
        ends = moment_of(day, self.quiet_until, zone)
        return ends if ends > at else None  # clocks that were put back show the end twice; the first counts


_COLUMNS = (
    MailPreferences.switched_off,
    MailPreferences.quiet_from,
    MailPreferences.quiet_until,
    MailPreferences.digest,
    MailPreferences.reminders,
    MailPreferences.calendar_mails,
)


def of(db: Session, user_id: UUID | None) -> Choices:
    """What this person chose. Browsers see their own alone."""
    row = db.execute(select(*_COLUMNS).where(MailPreferences.user_id == user_id)).one_or_none()
    return Choices(**row._mapping) if row else Choices()


def keep(db: Session, user_id: UUID, choices: Choices) -> None:
    """Replace what the person chose."""
    values = {column.key: getattr(choices, column.key) for column in _COLUMNS}
    values |= {"switched_off": sorted(choices.switched_off), "reminders": sorted(choices.reminders)}
    row = insert(MailPreferences).values(user_id=user_id, **values)
    db.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=values))


# --- the address that switches off ---------------------------------------------------------------------------------------


class Unsubscribing(NamedTuple):
    """Whose mails of which category an address switches off."""

    user_id: UUID
    category: str


def unsubscribe_url(user_id: UUID, category: str) -> str:
    """The address that switches a category off for a person: whoever has the mail has it, and it does nothing else.

    A mailbox provider posts to it without any session (RFC 8058 3.1), so its signature is all the proof there is. It works
    for as long as the key does.
    """
    settings: Settings = current_app.config["SETTINGS"]
    return f"{settings.public_url}/unsubscribe/{_signer(settings).dumps([user_id.hex, category])}"


def read_unsubscribe(token: str) -> Unsubscribing | None:
    """What a signed address switches off; None if it is not ours."""
    try:
        user_id, category = _signer(current_app.config["SETTINGS"]).loads(token)
    except BadData:
        return None
    return Unsubscribing(UUID(user_id), category) if category in CATEGORIES else None


def switch_off(db: Session, which: Unsubscribing) -> None:
    """No more mails of that category; nothing happens if it is off already, or the account closed."""
    db.execute(SWITCH_OFF, {"person": which.user_id, "category": which.category})


@lru_cache(maxsize=4)
def _signer(settings: Settings) -> URLSafeSerializer:
    """Signs with a key of its own made from SECRET_KEY; what older keys signed is still known."""
    secrets = (*settings.secret_key_fallbacks, settings.secret_key)
    keys = [hmac.digest(secret.encode(), b"unsubscribing", "sha256") for secret in secrets]
    return URLSafeSerializer(keys, salt="unsubscribe")


# --- addresses that cannot be reached ------------------------------------------------------------------------------------


class Unreachable(NamedTuple):
    """That mails to one's own address came back for good: since when, and what the mail server said."""

    last_at: datetime
    reason: str


UNREACHABLE = Query(Unreachable, text("select last_at, reason from my_unreachable_address()"))
