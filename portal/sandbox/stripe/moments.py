"""What happens by itself, each thing at its own moment and in the order of time."""

from collections.abc import Callable

from portal.sandbox.stripe import changes, checkout, invoices, refunds, schedules, subscriptions
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.shapes import Body


def _finalize(books: Books, invoice: Body) -> None:
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        invoices.finalize(books, invoice)
        invoices.collect(books, invoice)


def _retry(books: Books, invoice: Body) -> None:
    if invoice["status"] == "open":
        invoices.collect(books, invoice)


def _cancel(books: Books, subscription: Body) -> None:
    if subscription["status"] not in subscriptions.OVER:
        subscriptions.end(books, subscription)


def _resume(books: Books, subscription: Body) -> None:
    books.change(subscription, "customer.subscription.updated", pause_collection=None)


def _trial(books: Books, subscription: Body) -> None:
    books.emit("customer.subscription.trial_will_end", subscription)


# At one and the same moment the order is that of these names: an ending and a phase come before a renewal.
DOES: dict[str, Callable[[Books, Body], object]] = {
    "cancel": _cancel,
    "dispute": refunds.dispute,
    "expire": checkout.expire,
    "finalize": _finalize,
    "incomplete": subscriptions.lapse,
    "lapse": refunds.lapse,
    "pending": changes.give_up,
    "phase": schedules.turn,
    "refund": refunds.fail,
    "renew": subscriptions.renew,
    "resume": _resume,
    "retry": _retry,
    "trial": _trial,
}


def next_due(books: Books, until: int) -> bool:
    """Do the first thing due by then; whether there was one."""
    row = books.db.execute(
        "select what, id, at from due where at <= ? order by at, what, id limit 1", (until,)
    ).fetchone()
    if row is None:
        return False
    books.due(row["what"], row["id"], None)
    books.now = row["at"]
    if (body := books.get(row["id"])) and not body.get("deleted"):
        DOES[row["what"]](books, body)
    return True
