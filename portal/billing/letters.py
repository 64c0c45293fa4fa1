"""The mails about money. They state amounts and dates; the button leads to a page, never straight to a payment."""

from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from portal.billing import money, plan_name
from portal.billing.models import Order
from portal.mail import Letter
from portal.times import date_in_words, day_long

PAYER = "You get this because you pay for a plan of the club."


class Named(Protocol):
    """Somebody with a name and a zone."""

    first_name: str | None
    timezone: str


def _hello(name: str | None) -> str:
    return f"Hello {name or 'there'},"


def _day(moment: datetime, who: Named) -> str:
    return date_in_words(moment.astimezone(ZoneInfo(who.timezone)))


def _facts(who: Named, order: Order) -> list[tuple[str, str]]:
    lines = [
        ("Order", order.order_number),
        ("Plan", plan_name(order.subscription_type, order.billing_cycle)),
        ("Amount", money.shown(order.amount, order.currency)),
    ]
    if order.period_start and order.period_end:
        lines.append(("Pays for", f"{_day(order.period_start, who)} to {_day(order.period_end, who)}"))
    return [*lines, ("Paid with", order.payment_method)] if order.payment_method else lines


def receipt(who: Named, order: Order) -> Letter:
    """Paid."""
    return Letter(
        subject=f"Your receipt, {order.order_number}",
        headline=f"Paid: {money.shown(order.amount, order.currency)}",
        body=(f"{_hello(who.first_name)} thank you. This is what you paid and what it pays for.",),
        facts=_facts(who, order),
        button=(f"/orders/{order.order_number}", "See the receipt"),
        why=PAYER,
    )


def refunded(who: Named, order: Order) -> Letter:
    """Money is on its way back."""
    back = money.shown(order.refunded_amount, order.currency)
    whole = "What it paid for has ended." if order.status == "refunded" else "What it paid for stays open."
    return Letter(
        subject=f"{back} is on its way back, {order.order_number}",
        headline=f"{back} is on its way back",
        body=(
            f"{_hello(who.first_name)} we have given back {back} of this order. Banks take five to ten days to show it.",
            whole,
        ),
        facts=_facts(who, order),
        button=("/orders", "See your orders"),
        why=PAYER,
    )


def disputed(who: Named, order: Order) -> Letter:
    """The bank asked for the money."""
    return Letter(
        subject=f"Your bank has asked for a payment back, {order.order_number}",
        headline="Your bank has asked for this payment back",
        body=(
            f"{_hello(who.first_name)} until that is settled, what this order paid for is closed.",
            "If this was a mistake, tell your bank, and write to us; it opens again when the bank lets go of it.",
        ),
        facts=_facts(who, order),
        button=("/account/access", "See why"),
        why=PAYER,
    )


def twin(name: str | None) -> Letter:
    """Paid twice, given back once."""
    return Letter(
        subject="You paid twice; the second payment is on its way back",
        headline="You paid twice, so we gave one back",
        body=(
            f"{_hello(name)} two payment pages were open, and both were paid. You have one plan, the first one.",
            "The second was ended at once and its payment is on its way back to your card; banks take five to ten days to show it.",
        ),
        button=("/orders", "See your orders"),
        why=PAYER,
    )


def renewal(row: Any, renews_at: datetime) -> Letter:
    """A yearly plan renews soon."""
    amount = money.shown(money.major(row.amount_minor, row.currency), row.currency)
    day = day_long(renews_at.astimezone(ZoneInfo(row.timezone)))
    return Letter(
        subject=f"Your yearly plan renews on {day}",
        headline=f"Your plan renews on {day}",
        body=(
            f"{_hello(row.first_name)} on {day} your card is charged {amount} for another year.",
            "If you would rather not, end the plan before that day; it takes two clicks, and you keep what you have paid for.",
        ),
        facts=[
            ("Plan", plan_name(row.subscription_type, "yearly")),
            ("Amount", amount),
            ("Card", row.card or "none kept"),
        ],
        button=("/plan", "Look at your plan"),
        why=PAYER,
    )


def payment_failed_at_once(row: Any) -> Letter:
    """The bank said no, and no days are kept: after a first charge, or where the club keeps none."""
    last = day_long(row.paid_until.astimezone(ZoneInfo(row.timezone)))
    return Letter(
        subject="Your payment did not go through, and your plan has stopped",
        headline="Your payment did not go through",
        body=(
            f"{_hello(row.first_name)} your bank said no. Nothing was charged, and what your plan opens has been closed since {last}.",
            "Another card settles it, and everything is open again at once.",
        ),
        facts=[
            ("Plan", plan_name(row.subscription_type, row.billing_cycle)),
            ("Card", row.card or "none kept"),
        ],
        button=("/plan", "Update my card"),
        why=PAYER,
    )


def payment_failed(row: Any) -> Letter:
    """The bank said no to a renewal; what is kept, and until when."""
    zone = ZoneInfo(row.timezone)
    last = day_long(row.access_until.astimezone(zone))
    again = f"We try the card again on {day_long(row.next_try_at.astimezone(zone))}. " if row.next_try_at else ""
    return Letter(
        subject=f"Your payment did not go through; you keep everything until {last}",
        headline="Your payment did not go through",
        body=(
            f"{_hello(row.first_name)} your bank said no to the renewal. Nothing was charged, and nothing is closed: "
            f"you keep everything until {last}.",
            f"{again}Trying does not cost you a day; another card settles it at once.",
        ),
        facts=[
            ("Plan", plan_name(row.subscription_type, row.billing_cycle)),
            ("Card", row.card or "none kept"),
        ],
        button=("/plan", "Update my card"),
        why=PAYER,
    )
