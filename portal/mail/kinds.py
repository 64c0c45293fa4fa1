"""Every kind of mail in one table: what it is about, who gets it, may it be switched off, does it wait for the morning."""

from typing import NamedTuple


class Category(NamedTuple):
    """What kinds of mail have in common, and what a person may choose about them.

    `label` and `sent_to` stand on the page where they are chosen, the latter as a sentence of its own.
    `optional` mails may be switched off: they carry List-Unsubscribe, and whoever switched their category off gets none.
    `waits` mails, written while it is quiet where the recipient lives, leave when that ends. `even_unreachable` mails are tried at
    an address that sent the last ones back.
    """

    label: str
    sent_to: str
    optional: bool = False
    waits: bool = False
    even_unreachable: bool = False


CATEGORIES = {
    "invitation": Category("Invitations", "Whoever a host invites to a private meeting."),
    "confirmation": Category(
        "Calendar invitations", "Whoever has a place, so that it stands in their calendar.", optional=True
    ),
    "change": Category("Changes", "Whoever has a place, waits for one or was invited by name."),
    "cancellation": Category("Cancellations", "Whoever has a place, waits for one or was invited by name."),
    "reminder": Category("Reminders", "Whoever has a place or holds an offer.", optional=True),
    "offer": Category("Offers of a place", "Whoever waits for one or asked for one."),
    "host": Category("Notices to hosts", "The host of a meeting."),
    "afterwards": Category("Notes and recordings", "Whoever came to the meeting.", optional=True, waits=True),
    "digest": Category("What is on", "Every member, as often as they choose.", optional=True),
    "family": Category("Your family", "The people of a family plan."),
    "money": Category("Payments", "Whoever pays."),
    "security": Category("Your account", "Whoever owns the account.", even_unreachable=True),
    "announcement": Category("Announcements", "Those whom an admin or a host writes to.", optional=True, waits=True),
}
"""By their names, in the order the page of choices shows them."""

KINDS = {
    "invited": "invitation",
    "taken-back": "invitation",
    "confirmed": "confirmation",
    "moved": "change",
    "reinstated": "change",
    "changed": "change",
    "reply": "change",
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
    "starting": "reminder",
    "digest": "digest",
    "together": "family",
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
    "order-open": "money",
    "order-paid": "money",
    "order-refunded": "money",
    "order-disputed": "money",
    "first-payment": "money",
    "renewal-3": "money",
    "renewal-7": "money",
    "renewal-14": "money",
    "renewal-30": "money",
    "payment-failed": "money",
    "payment-failed-0": "money",
    "payment-failed-3": "money",
    "payment-failed-6": "money",
    "plan-changed-by-club": "money",
    "twin": "money",
    "moved-in": "security",
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
    "announcement-test": "security",
    "test": "security",
}
"""The category of each kind that `write` is called with."""


def category(kind: str) -> Category:
    """The category of a kind that is to be written. Raises KeyError for a kind that is not in the table."""
    return CATEGORIES[KINDS[kind]]


def of(kind: str) -> Category:
    """The category of a mail that was written, perhaps by another version: a kind nobody knows any more is sent to everybody."""
    return CATEGORIES.get(KINDS.get(kind, ""), Category("", ""))
