"""Changes of a running subscription: another plan, another amount, an end, a pause; and the bill for it beforehand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from stripe import params

from portal.sandbox.stripe import customers, invoices, subscriptions
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import declined, invalid
from portal.sandbox.stripe.rhythm import after
from portal.sandbox.stripe.routes import route
from portal.sandbox.stripe.shapes import Body

HOUR = 3600
BILLED = "items.id items.price items.quantity items.metadata proration_behavior proration_date trial_end"
PLAIN = (
    "metadata default_payment_method cancel_at cancel_at_period_end cancellation_details description pause_collection "
    "payment_behavior off_session billing_cycle_anchor"
)


@dataclass
class Change:
    """What a change makes of the subscription, the lines it costs, and whether they are asked for at once."""

    fields: Body = field(default_factory=dict)
    lines: list[Body] = field(default_factory=list)
    at_once: bool = False


# -- another plan --------------------------------------------------------------------------------------------------
def reckon(books: Books, subscription: Body, given: Body) -> Change:
    """What other items, or another end of the trial, come to."""
    old = subscription["items"]["data"]
    new = [_wanted(books, item, given.get("items", [])) for item in old]
    known = {item["id"] for item in old}
    for number, wanted in enumerate(given.get("items", [])):
        if wanted.get("id") not in known:
            raise invalid("The sandbox changes items a subscription has: give the `id` of one.", f"items[{number}][id]")
    behaviour = given.get("proration_behavior", "create_prorations")
    start, end = old[0]["current_period_start"], old[0]["current_period_end"]
    at = given.get("proration_date", books.now)
    if not start <= at <= end:
        raise invalid("The `proration_date` must lie in the current period.", "proration_date")
    anew = _rhythm(old[0]) != _rhythm(new[0]) or given.get("billing_cycle_anchor", {}) in ("now", {"type": "now"})
    trialing = subscription["status"] == "trialing"
    if "trial_end" in given:
        return _other_trial(books, subscription, new, given["trial_end"])
    if new == old and not anew:
        return Change()
    lines: list[Body] = []
    if behaviour != "none" and not trialing:
        for before, now in zip(old, new, strict=True):
            if anew or (before["price"]["id"], before["quantity"]) != (now["price"]["id"], now["quantity"]):
                lines += _prorated(books, subscription, before, now, at, anew)
    if not anew or trialing:
        return Change({"items": {**subscription["items"], "data": new}}, lines, behaviour == "always_invoice")
    return begin_anew(books, subscription, new, lines)


def _rhythm(item: Body) -> tuple[str, int]:
    return item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"]


def _wanted(books: Books, item: Body, given: list[Body]) -> Body:
    new = dict(item)
    for wanted in given:
        if wanted.get("id") != item["id"]:
            continue
        if "price" in wanted:
            new["price"] = books.find("price", wanted["price"], "items[0][price]")
            if not new["price"]["recurring"] or new["price"]["currency"] != item["price"]["currency"]:
                raise invalid("The price must recur, in the currency of the subscription.", "items[0][price]")
            if not new["price"]["active"]:
                raise invalid(f"The price specified is inactive: {new['price']['id']}.", "items[0][price]")
        new["quantity"] = wanted.get("quantity", item["quantity"])
        new["metadata"] = merged(item["metadata"], wanted.get("metadata"))
    return new


def begin_anew(books: Books, subscription: Body, items: list[Body], lines: list[Body]) -> Change:
    """Another rhythm: a new period begins now, and is asked for now."""
    end = after(books.now, items[0]["price"]["recurring"], books.now)
    moved = [{**item, "current_period_start": books.now, "current_period_end": end} for item in items]
    lines = [*lines, *(subscriptions.line(books, subscription, item) for item in moved)]
    fields = {"items": {**subscription["items"], "data": moved}, "billing_cycle_anchor": books.now}
    return Change(fields, lines, at_once=True)


def _other_trial(books: Books, subscription: Body, items: list[Body], end: int | str) -> Change:
    if end == "now":
        change = begin_anew(books, subscription, items, [])
        change.fields |= {"trial_end": books.now, "status": "active"}
        return change
    if int(end) <= books.now:
        raise invalid("The trial end must be in the future.", "trial_end")
    moved = [{**item, "current_period_start": books.now, "current_period_end": end} for item in items]
    start = subscription["trial_start"] or books.now
    return Change(
        {
            "items": {**subscription["items"], "data": moved},
            "billing_cycle_anchor": end,
            "trial_end": end,
            "trial_start": start,
            "status": "trialing",
        }
    )


def _prorated(books: Books, subscription: Body, old: Body, new: Body, at: int, anew: bool) -> list[Body]:
    """The unused time back, the remaining time of the new: to the second."""
    back = _part(books, subscription, old, at, -1, "Unused")
    return [back] if anew else [back, _part(books, subscription, new, at, 1, "Remaining")]


def _part(books: Books, subscription: Body, item: Body, at: int, sign: int, word: str) -> Body:
    start, end = item["current_period_start"], item["current_period_end"]
    whole = item["price"]["unit_amount"] * item["quantity"]
    amount = sign * ((2 * whole * (end - at) + (end - start)) // (2 * (end - start)))
    product = books.find("product", item["price"]["product"])["name"]
    words = f"{word} time on {product} after {datetime.fromtimestamp(at, UTC):%d %b %Y}"
    credited = {
        "invoice": subscription["latest_invoice"],
        "invoice_line_items": [
            line["id"]
            for line in (books.get(subscription["latest_invoice"]) or {"lines": {"data": []}})["lines"]["data"]
        ][:1],
    }
    details = {
        "invoice_item": books.new_id("invoiceitem"),
        "proration": True,
        "subscription": subscription["id"],
        "proration_details": {"credited_items": credited if sign < 0 and credited["invoice"] else None},
    }
    parent = {"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None}
    price, quantity = item["price"], item["quantity"]
    return subscriptions.written(books, subscription, price, quantity, amount, words, (at, end), parent)


# -- asked over the API --------------------------------------------------------------------------------------------
@route("POST /v1/subscriptions/:id", params.SubscriptionUpdateParams, f"{PLAIN} {BILLED}")
def update(books: Books, given: Body, id: str) -> Body:
    """Another plan, other words, a pause, or the end."""
    subscription = subscriptions.living(books, id)
    fields = _words(books, subscription, given)
    change = reckon(books, subscription, given)
    if not change.at_once:
        pending = [*subscription.get("_pending", []), *change.lines]
        fields |= change.fields | ({"_pending": pending} if pending else {})
        books.change(subscription, "customer.subscription.updated", **fields)
        subscriptions.plan_ahead(books, subscription)
        return subscription
    books.change(subscription, "customer.subscription.updated", **fields)
    behaviour = given.get("payment_behavior", "allow_incomplete")
    waits = behaviour == "pending_if_incomplete"
    lines = [*subscription.pop("_pending", []), *change.lines]
    if not waits:
        books.change(subscription, "customer.subscription.updated", **change.fields)
        subscriptions.plan_ahead(books, subscription)
    outcome, why = invoice_now(books, subscription, lines, apply=change.fields if waits else None)
    if behaviour == "error_if_incomplete" and outcome != "paid":
        asks = (
            "This payment requires additional user action before it can be completed successfully.",
            "subscription_payment_intent_requires_action",
            "",
        )
        message, code, decline = why or asks
        raise declined(message, code, decline or None, keep=False)
    return subscription


def _words(books: Books, subscription: Body, given: Body) -> Body:
    fields: Body = {}
    if "metadata" in given:
        fields["metadata"] = merged(subscription["metadata"], given["metadata"])
    if "description" in given:
        fields["description"] = unset(given["description"])
    if method := given.get("default_payment_method"):
        fields["default_payment_method"] = customers.owned(books, method, subscription["customer"])["id"]
    if "pause_collection" in given:
        pause = unset(given["pause_collection"])
        fields["pause_collection"] = pause and {"resumes_at": None, **pause}
    if "cancel_at_period_end" in given or "cancel_at" in given:
        if subscription["schedule"]:
            raise invalid(
                f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and "
                "updating any cancelation behavior directly is not allowed. Please update the schedule "
                "instead."
            )
        period = given.get("cancel_at_period_end", False)
        at = subscription["items"]["data"][0]["current_period_end"] if period else unset(given.get("cancel_at"))
        if at is not None and int(at) <= books.now:
            raise invalid("`cancel_at` must be in the future.", "cancel_at")
        fields |= subscriptions.pending_cancel(books, at, period, given.get("cancellation_details"))
    elif "cancellation_details" in given:
        words = {name: unset(value) for name, value in given["cancellation_details"].items()}
        fields["cancellation_details"] = {**subscription["cancellation_details"], **words}
    return fields


def invoice_now(
    books: Books, subscription: Body, lines: list[Body], apply: Body | None = None
) -> tuple[str, tuple[str, str, str] | None]:
    """Ask for these lines at once. `apply`: only when they are paid does the change come true."""
    invoice = invoices.draft(books, subscription, lines, "subscription_update", advance=apply is None)
    books.change(invoice, automatically_finalizes_at=None, _apply=apply)
    if subscription["status"] not in subscriptions.OVER:
        books.change(subscription, "customer.subscription.updated", latest_invoice=invoice["id"])
    invoices.finalize(books, invoice)
    outcome = invoices.collect(books, invoice)
    if apply is not None and outcome[0] != "paid":
        expires = min(books.now + 23 * HOUR, subscription["items"]["data"][0]["current_period_end"])
        pending = {
            "billing_cycle_anchor": apply.get("billing_cycle_anchor"),
            "expires_at": expires,
            "metadata": None,
            "discounts": None,
            "subscription_items": apply["items"]["data"],
            "trial_end": None,
            "trial_from_plan": None,
        }
        books.change(subscription, "customer.subscription.updated", pending_update=pending)
        books.due("pending", subscription["id"], expires)
    return outcome


def come_true(books: Books, subscription: Body, fields: Body) -> None:
    """The pending change was paid."""
    books.due("pending", subscription["id"], None)
    waited = subscription["pending_update"] is not None
    books.change(subscription, "customer.subscription.updated", pending_update=None, **fields)
    subscriptions.plan_ahead(books, subscription)
    if waited:
        books.emit("customer.subscription.pending_update_applied", subscription)


def give_up(books: Books, subscription: Body) -> None:
    """The pending change was not paid in time."""
    if subscription["pending_update"] is None:
        return
    books.change(subscription, "customer.subscription.updated", pending_update=None)
    books.emit("customer.subscription.pending_update_expired", subscription)
    invoice = books.find("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoices.withdraw(books, invoice, "void")


def credit_the_rest(books: Books, subscription: Body) -> None:
    """Give back the unused time."""
    credits = [_part(books, subscription, item, books.now, -1, "Unused") for item in subscription["items"]["data"]]
    subscription["_pending"] = [*subscription.get("_pending", []), *credits]


def begin_phase(books: Books, subscription: Body, phase: Body) -> None:
    """What a schedule planned becomes so; on the boundary of a period nothing is left to prorate."""
    old = subscription["items"]["data"]
    if len(old) != len(phase["items"]):
        return
    pairs = zip(old, phase["items"], strict=True)
    wanted = [{"id": item["id"], "price": new["price"], "quantity": new["quantity"]} for item, new in pairs]
    if books.now < old[0]["current_period_end"]:
        update(books, {"items": wanted, "proration_behavior": phase["proration_behavior"]}, subscription["id"])
        return
    new = [_wanted(books, item, wanted) for item in old]
    anchor = books.now if _rhythm(old[0]) != _rhythm(new[0]) else subscription["billing_cycle_anchor"]
    items = {**subscription["items"], "data": new}
    books.change(subscription, "customer.subscription.updated", items=items, billing_cycle_anchor=anchor)


# -- the bill beforehand -------------------------------------------------------------------------------------------
@route(
    "POST /v1/invoices/create_preview",
    params.InvoiceCreatePreviewParams,
    "customer subscription " + " ".join(f"subscription_details.{name}" for name in BILLED.split()),
)
def preview(books: Books, given: Body) -> Body:
    """The next invoice as it would be: what would happen happens, is looked at, and is taken back."""
    books.db.execute("savepoint preview")
    try:
        return _preview(Books(books.db, books.page_url), given)
    finally:
        books.db.execute("rollback to preview")
        books.db.execute("release preview")


def _preview(books: Books, given: Body) -> Body:
    subscription = _previewed(books, given)
    change = reckon(books, subscription, given.get("subscription_details", {}))
    now = books.now
    if change.at_once:
        lines = [*subscription.get("_pending", []), *change.lines]
        invoice = invoices.draft(books, subscription, lines, "upcoming")
    else:
        if change.lines:
            change.fields["_pending"] = [*subscription.get("_pending", []), *change.lines]
        books.change(subscription, **change.fields)
        books.now = subscription["items"]["data"][0]["current_period_end"]
        subscriptions.renew(books, subscription)
        invoice = books.find("invoice", subscription["latest_invoice"])
    invoice |= {
        "id": "upcoming_" + invoice["id"],
        "billing_reason": "upcoming",
        "created": now,
        "ending_balance": min(0, invoice["total"] + invoice["starting_balance"]),
        "next_payment_attempt": books.now + (0 if change.at_once else HOUR),
    }
    for line in invoice["lines"]["data"]:
        line["invoice"] = invoice["id"]
    return invoice


def _previewed(books: Books, given: Body) -> Body:
    if "subscription" in given:
        return subscriptions.living(books, given["subscription"])
    rows = books.rows("subscription", "customer = ?", given.get("customer"))
    standing = [each for each in rows if each["status"] not in subscriptions.OVER and not each["cancel_at"]]
    if not standing:
        raise invalid("No upcoming invoices for customer: " + str(given.get("customer")), None, "invoice_upcoming_none")
    return min(standing, key=lambda each: int(each["items"]["data"][0]["current_period_end"]))
