"""The mails about money. They state amounts and dates; the button leads to a page, never straight to a payment."""

from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app

from portal.billing import money, plan_name, plans
from portal.billing.models import Order
from portal.billing.orders import span
from portal.mail import Message
from portal.times import city, day_long

PAYER = "You get this because you pay for a plan of the club."
EACH = {"monthly": "month", "yearly": "year"}


class Due(NamedTuple):
    """A live subscription that charges soon, or could not, with its payer."""

    id: UUID
    user_id: UUID
    subscription_type: str
    billing_cycle: str
    amount_minor: int
    currency: str
    renews_at: datetime
    failed_at: datetime | None
    next_try_at: datetime | None
    status: str
    next_type: str | None
    next_cycle: str | None
    next_amount_minor: int | None
    transfer_plan_id: UUID | None
    card: str | None
    email: str
    first_name: str | None
    timezone: str
    access_until: datetime
    paid_until: datetime | None
    counts_until: datetime | None
    waits_for: str | None


class Prepaid(NamedTuple):
    """An order that was paid outside of the portal and ends soon, with its payer."""

    id: UUID
    user_id: UUID
    subscription_type: str
    billing_cycle: str
    period_end: datetime
    email: str
    first_name: str | None
    timezone: str


class Renewing(NamedTuple):
    """A live subscription with its payer: paid `until` a day on which it `ends`, or renews. `waits`: a change was asked of the
    provider, and is not confirmed yet. `failed`: the payment of that day did not go through.
    """

    user_id: UUID
    provider_subscription_id: str
    subscription_type: str
    billing_cycle: str
    until: datetime
    ends: bool
    waits: bool
    failed: bool
    first_name: str | None
    last_name: str | None
    email: str
    timezone: str


class Named(Protocol):
    """Somebody with a name and a zone."""

    first_name: str | None
    timezone: str


def _details(who: Named, order: Order) -> list[tuple[str, str]]:
    lines = [
        ("Order", order.order_number),
        ("Plan", plan_name(order.subscription_type, order.billing_cycle)),
        ("Amount", money.shown(order.amount, order.currency)),
    ]
    if order.period_start and order.period_end:
        pays_for = span(order.period_start, order.period_end, ZoneInfo(who.timezone))
        lines.append(("Pays for", f"{pays_for}, {city(who.timezone)}"))
    return [*lines, ("Paid with", order.payment_method)] if order.payment_method else lines


def order_open(who: Named, order: Order) -> Message:
    """An order that is paid outside of the portal: what, how much, and how."""
    return Message(
        subject=f"How to pay your order {order.order_number}",
        headline=f"Pay {money.shown(order.amount, order.currency)}",
        body=(
            f"Hello {who.first_name or 'there'}, your order waits for your payment. Please give its number with the payment.",
            current_app.config["SETTINGS"].payment_instructions,
            "As soon as the club has noted your payment we send you the receipt. An order that is not paid lapses after 30 days.",
        ),
        details=_details(who, order),
        button=("/orders", "See your orders"),
        why="You get this because you chose a plan of the club.",
    )


def prepaid_ends(row: Prepaid) -> Message:
    """What was paid outside of the portal ends soon, and how it goes on."""
    day = day_long(row.period_end.astimezone(ZoneInfo(row.timezone)))
    price = plans()[row.subscription_type].shown(row.billing_cycle)
    return Message(
        subject=f"Your plan ends on {day}",
        headline=f"Your plan ends on {day}",
        body=(
            f"Hello {row.first_name or 'there'}, what you have paid ends on {day}. It does not renew by itself.",
            "If you want to stay, order it again on your plan page; it then goes on from that day.",
        ),
        details=[("Plan", plan_name(row.subscription_type, row.billing_cycle)), ("Price", price)],
        button=("/plan", "See your plan"),
        why=PAYER,
    )


def receipt(who: Named, order: Order) -> Message:
    """Paid."""
    return Message(
        subject=f"Your receipt, {order.order_number}",
        headline=f"Paid: {money.shown(order.amount, order.currency)}",
        body=(f"Hello {who.first_name or 'there'}, thank you. This is what you paid and what it pays for.",),
        details=_details(who, order),
        button=(f"/orders/{order.order_number}", "See the receipt"),
        why=PAYER,
    )


def refunded(who: Named, order: Order) -> Message:
    """Money is on its way back."""
    back = money.shown(order.refunded_amount, order.currency)
    whole = "What it paid for has ended." if order.status == "refunded" else "What it paid for stays open."
    return Message(
        subject=f"{back} is on its way back, {order.order_number}",
        headline=f"{back} is on its way back",
        body=(
            f"Hello {who.first_name or 'there'}, we have given back {back} of this order. Banks take five to ten days to show it.",
            whole,
        ),
        details=_details(who, order),
        button=("/orders", "See your orders"),
        why=PAYER,
    )


def disputed(who: Named, order: Order) -> Message:
    """The bank asked for the money."""
    return Message(
        subject=f"Your bank has asked for a payment back, {order.order_number}",
        headline="Your bank has asked for this payment back",
        body=(
            f"Hello {who.first_name or 'there'}, until that is settled, what this order paid for is closed.",
            "If this was a mistake, tell your bank, and write to us; you get it back when the bank withdraws its claim.",
        ),
        details=_details(who, order),
        button=("/account/access", "See why"),
        why=PAYER,
    )


def duplicate_subscription(name: str | None) -> Message:
    """Paid twice, given back once."""
    return Message(
        subject="You paid twice; the second payment is on its way back",
        headline="You paid twice, so we gave one back",
        body=(
            f"Hello {name or 'there'}, two payment pages were open, and both were paid. You have one plan, the first one.",
            "The second was ended at once and its payment is on its way back to your card; banks take five to ten days to show it.",
        ),
        button=("/orders", "See your orders"),
        why=PAYER,
    )


def not_handed_over(name: str | None) -> Message:
    """Paid to take a family over that was not offered any more when the payment came."""
    return Message(
        subject="The family was not handed over; your payment is on its way back",
        headline="The family was not handed over to you",
        body=(
            f"Hello {name or 'there'}, when you paid, the family was not offered to you any more: it stays with whoever pays it now.",
            "Your plan for it was ended at once. What you paid is on its way back to your card; banks take five to ten days to "
            "show it.",
        ),
        button=("/orders", "See your orders"),
        why=PAYER,
    )


def renewal(row: Due) -> Message:
    """A plan renews soon, by the month or the year."""
    day = day_long(row.renews_at.astimezone(ZoneInfo(row.timezone)))
    kind, cycle, amount = _next(row)
    return Message(
        subject=f"Your {row.billing_cycle} plan renews on {day}",
        headline=f"Your plan renews on {day}",
        body=(
            f"Hello {row.first_name or 'there'}, on {day} your card is charged {amount} for another {EACH[cycle]}.",
            "If you would rather not, end the plan before that day; it takes two clicks, and you keep what you have paid for.",
        ),
        details=[("Plan", plan_name(kind, cycle)), ("Amount", amount), ("Card", row.card or "none kept")],
        button=("/plan", "See your plan"),
        why=PAYER
        if row.billing_cycle == "yearly"
        else f"{PAYER} You asked for it on your plan page, where you can stop it.",
    )


def first_payment(row: Due) -> Message:
    """What is free, or paid by somebody else, ends soon, and the card is charged for the first time."""
    day = day_long(row.renews_at.astimezone(ZoneInfo(row.timezone)))
    kind, cycle, amount = _next(row)
    name = row.first_name or "there"
    return Message(
        subject=f"Your first payment is on {day}",
        headline=f"Your first payment is on {day}",
        body=(
            f"Hello {name}, on {day} what is already paid for your plan ends."
            if row.transfer_plan_id
            else f"Hello {name}, on {day} your free time ends.",
            f"Your card is charged {amount} then, and each {EACH[cycle]} after that.",
            "If you would rather not, end the plan before that day; it takes two clicks, and nothing is charged.",
        ),
        details=[("Plan", plan_name(kind, cycle)), ("Amount", amount), ("Card", row.card or "none kept")],
        button=("/plan", "See your plan"),
        why=PAYER,
    )


def renewal_changed(row: Renewing, ends: bool, ended: bool, reason: str) -> Message:
    """An admin's word: the plan ends with what is paid, has `ended` since its payment failed, or renews after all."""
    day = day_long(row.until.astimezone(ZoneInfo(row.timezone)))
    if ended:
        headline, happens = "Your plan has ended", "The payment that failed is not tried again, and nothing is charged."
    elif ends:
        headline = f"Your plan ends on {day}"
        happens = "You keep everything until then, and no further payment is taken."
    else:
        headline = f"Your plan renews on {day}"
        happens = "It will not end, and the next payment is taken from your card on that day."
    return Message(
        subject=headline,
        headline=headline,
        body=(
            f"Hello {row.first_name or 'there'}, an admin of the club decided this. {happens}",
            f"The reason given: {reason}",
        ),
        details=[("Plan", plan_name(row.subscription_type, row.billing_cycle))],
        button=("/plan", "See your plan"),
        why=PAYER,
    )


def _next(row: Due) -> tuple[str, str, str]:
    """Plan, cycle and amount of the next payment: a change that was planned for that day counts."""
    minor = row.amount_minor if row.next_amount_minor is None else row.next_amount_minor
    amount = money.shown(money.major(minor, row.currency), row.currency)
    return row.next_type or row.subscription_type, row.next_cycle or row.billing_cycle, amount


def payment_failed_at_once(row: Due) -> Message:
    """The bank said no, and no days are kept: after a first charge, or where the club keeps none."""
    last = day_long((row.paid_until or row.access_until).astimezone(ZoneInfo(row.timezone)))
    return Message(
        subject="Your payment did not go through, and your plan has stopped",
        headline="Your payment did not go through",
        body=(
            f"Hello {row.first_name or 'there'}, your bank said no. Nothing was charged, and what your plan opens has been "
            f"closed since {last}.",
            "Another card settles it, and everything is open again at once.",
        ),
        details=[("Plan", plan_name(row.subscription_type, row.billing_cycle)), ("Card", row.card or "none kept")],
        button=("/plan", "Update my card"),
        why=PAYER,
    )


def payment_failed(row: Due) -> Message:
    """The bank said no to a renewal; what is kept, and until when."""
    zone = ZoneInfo(row.timezone)
    last = day_long(row.access_until.astimezone(zone))
    return Message(
        subject=f"Your payment did not go through; you keep everything until {last}",
        headline="Your payment did not go through",
        body=(
            f"Hello {row.first_name or 'there'}, your bank said no to the renewal. Nothing was charged, and nothing is closed: "
            f"you keep everything until {last}.",
            *([f"We try the card again on {day_long(row.next_try_at.astimezone(zone))}."] if row.next_try_at else []),
            "Trying does not cost you a day; another card settles it at once.",
        ),
        details=[("Plan", plan_name(row.subscription_type, row.billing_cycle)), ("Card", row.card or "none kept")],
        button=("/plan", "Update my card"),
        why=PAYER,
    )
