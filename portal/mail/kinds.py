"""Every kind of mail in one table: what it is about, who gets it, may it be switched off, does it wait for the morning."""

from typing import NamedTuple


class Category(NamedTuple):
    """What kinds of mail have in common, and what a person may choose about them.

    `optional` mails may be switched off: they carry List-Unsubscribe, and whoever switched their category off gets none.
    `waits` mails, written while it is quiet where the reader lives, leave when that ends. `even_unreachable` mails are tried at
    an address that sent the last ones back.
    """

    label: str
    sent_to: str
    optional: bool = False
    waits: bool = False
    even_unreachable: bool = False


CATEGORIES = {
    "invitation": Category("Invitations", "whoever a host invites to a private meeting"),
    "confirmation": Category(
        "Calendar invitations", "whoever has a place, so that it stands in their calendar", optional=True
    ),
    "change": Category("Changes", "whoever has a place, waits for one or was invited by name"),
    "cancellation": Category("Cancellations", "whoever has a place, waits for one or was invited by name"),
    "reminder": Category("Reminders", "whoever has a place or holds an offer", optional=True),
    "offer": Category("Offers of a place", "whoever waits for one or asked for one"),
    "host": Category("Notices to hosts", "the host of a meeting"),
    "afterwards": Category("Notes and recordings", "whoever came", optional=True, waits=True),
    "digest": Category("What is on", "every member, as often as they choose", optional=True),
    "family": Category("Your family", "the people of a family plan"),
    "money": Category("Payments", "whoever pays"),
    "security": Category("Your account", "whoever owns the account", even_unreachable=True),
    "announcement": Category("Announcements", "a group an admin or host writes to", optional=True, waits=True),
}
"""By their names, in the order the page of choices shows them."""

KINDS = {
    "invited": "invitation",
    "taken-back": "invitation",
    "confirmed": "confirmation",
    "together": "confirmation",
    "moved": "change",
    "reinstated": "change",
    "withdrawn": "cancellation",
    "cancelled": "cancellation",
    "reminder": "reminder",
    "missing": "reminder",
    "offer": "offer",
    "decision": "offer",
    "asked": "host",
    "recorded": "host",
    "room-failed": "host",
    "afterwards": "afterwards",
    "digest": "digest",
    "family-invitation": "family",
    "family-date": "family",
    "family-ending": "family",
    "family-ended": "family",
    "family-removed": "family",
    "family-removed-by-club": "family",
    "family-back": "family",
    "family-back-by-club": "family",
    "family-transfer": "family",
    "family-transfer-by-club": "family",
    "family-transfer-off": "family",
    "family-taken-over": "family",
    "family-joined": "family",
    "family-left": "family",
    "family-declined": "family",
    "family-expired": "family",
    "family-missed": "family",
    "order-paid": "money",
    "order-refunded": "money",
    "order-disputed": "money",
    "first-payment": "money",
    "renewal-3": "money",
    "renewal-7": "money",
    "renewal-30": "money",
    "payment-failed": "money",
    "payment-failed-0": "money",
    "payment-failed-3": "money",
    "payment-failed-6": "money",
    "twin": "money",
    "verify": "security",
    "known": "security",
    "reset": "security",
    "password": "security",
    "second-factor": "security",
    "address": "security",
    "standing": "security",
    "closed": "security",
    "alarm": "security",
    "announcement": "announcement",
}
"""The category of each kind that `write` is called with."""


def category(kind: str) -> Category:
    """The category of a kind. Raises KeyError for a kind that is not in the table."""
    return CATEGORIES[KINDS[kind]]
