"""Subscriptions: begun, renewed, ended. Changes of plan are next door."""

from stripe import params

from portal.sandbox.stripe import customers, invoices
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import declined, invalid
from portal.sandbox.stripe.rhythm import after, every, money
from portal.sandbox.stripe.routes import page, reads, route
from portal.sandbox.stripe.shapes import Body, listed

HOUR, DAY = 3600, 86400
OVER = ("canceled", "incomplete_expired")
STATUS = "json_extract(body, '$.status')"

reads("/v1/subscriptions", params.SubscriptionRetrieveParams, "subscription")


@route(
    "GET /v1/subscriptions",
    params.SubscriptionListParams,
    "limit starting_after ending_before created customer price status",
)
def show_all(books: Books, given: Body) -> Body:
    """The subscriptions; those that are over only when asked for."""
    conditions: dict[str, str] = {
        "customer": "customer = ?",
        "price": "exists (select 1 from json_each(body, '$.items.data') where json_extract(value, '$.price.id') = ?)",
    }
    where = [condition for name, condition in conditions.items() if name in given]
    values = [given[name] for name in conditions if name in given]
    over, status = f"{STATUS} in ('canceled', 'incomplete_expired')", given.get("status")
    if status not in (None, "all", "ended"):
        where.append(f"{STATUS} = ?")
        values.append(status)
    elif status != "all":
        where.append(over if status else f"not {over}")
    return page(books, "subscription", given, "/v1/subscriptions", " and ".join(["1", *where]), values)


def begin(
    books: Books,
    customer: Body,
    wanted: list[tuple[Body, int]],
    method: Body | None,
    metadata: Body,
    trial_end: int | None = None,
    collect: bool = True,
) -> Body:
    """A subscription and its first invoice, which waits to be paid unless one collects at once."""
    id, recurring = books.new_id("subscription"), wanted[0][0]["recurring"]
    end = trial_end or after(books.now, recurring, books.now)
    items = [
        books.part(
            "subscription_item",
            subscription=id,
            price=price,
            quantity=quantity,
            current_period_start=books.now,
            current_period_end=end,
        )
        for price, quantity in wanted
    ]
    subscription = books.make(
        "subscription",
        id=id,
        customer=customer["id"],
        currency=wanted[0][0]["currency"],
        metadata=metadata,
        billing_cycle_anchor=trial_end or books.now,
        default_payment_method=method and method["id"],
        start_date=books.now,
        status="trialing" if trial_end else "incomplete",
        trial_end=trial_end,
        trial_start=books.now if trial_end else None,
        items=listed(items, f"/v1/subscription_items?subscription={id}"),
    )
    plan_ahead(books, subscription)
    if customer["currency"] is None:
        books.change(customer, "customer.updated", currency=subscription["currency"])
    lines = [line(books, subscription, item, free=bool(trial_end)) for item in items]
    invoice = invoices.draft(books, subscription, lines, "subscription_create", advance=False)
    books.change(subscription, latest_invoice=invoice["id"])
    books.emit("customer.subscription.created", subscription)
    invoices.finalize(books, invoice)
    books.due("incomplete", id, None if trial_end else books.now + 23 * HOUR)
    if collect or not invoice["amount_due"]:
        invoices.collect(books, invoice, method)
    return subscription


@route(
    "POST /v1/subscriptions",
    params.SubscriptionCreateParams,
    "customer items.price items.quantity default_payment_method metadata trial_end trial_period_days "
    "trial_settings payment_behavior off_session",
)
def create(books: Books, given: Body) -> Body:
    """A subscription without a page to pay on."""
    customer = customers.living(books, given.get("customer"), "customer")
    if not given.get("items"):
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    found = [(books.find("price", item.get("price"), "items[0][price]"), item) for item in given["items"]]
    if not all(price["recurring"] and price["active"] for price, _ in found):
        raise invalid("The price must be active and recur.", "items[0][price]")
    chosen = given.get("default_payment_method")
    method = customers.owned(books, chosen, customer["id"]) if chosen else None
    days, trial = given.get("trial_period_days"), given.get("trial_end")
    trial = books.now + days * DAY if days else None if trial == "now" else trial
    behaviour = given.get("payment_behavior", "allow_incomplete")
    subscription = begin(
        books,
        customer,
        [(price, item.get("quantity", 1)) for price, item in found],
        method,
        merged({}, given.get("metadata")),
        trial,
        collect=behaviour != "default_incomplete",
    )
    if "trial_settings" in given:
        books.change(subscription, trial_settings=given["trial_settings"])
    if subscription["status"] == "incomplete" and behaviour == "error_if_incomplete":
        raise declined("Your card was declined.", "card_declined", "generic_decline", keep=False)
    return subscription


def lapse(books: Books, subscription: Body) -> None:
    """The first payment never came."""
    if subscription["status"] != "incomplete":
        return
    books.change(subscription, "customer.subscription.updated", status="incomplete_expired", ended_at=books.now)
    plan_ahead(books, subscription)
    invoice = books.find("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoices.withdraw(books, invoice, "void")


def line(books: Books, subscription: Body, item: Body, free: bool = False) -> Body:
    """What one period of one item costs."""
    price, quantity = item["price"], item["quantity"]
    product = books.find("product", price["product"])["name"]
    cost = money(price["unit_amount"], price["currency"])
    words = f"{quantity} × {product} (at {cost} {every(price['recurring'])})"
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": subscription["id"],
        "subscription_item": item["id"],
    }
    parent = {"type": "subscription_item_details", "invoice_item_details": None, "subscription_item_details": details}
    words = f"Trial period for {product}" if free else words
    return written(
        books,
        subscription,
        price,
        quantity,
        0 if free else price["unit_amount"] * quantity,
        words,
        (item["current_period_start"], item["current_period_end"]),
        parent,
    )


def written(
    books: Books,
    subscription: Body,
    price: Body,
    quantity: int,
    amount: int,
    words: str,
    period: tuple[int, int],
    parent: Body,
) -> Body:
    """One line of an invoice."""
    pricing = {
        "type": "price_details",
        "unit_amount_decimal": str(price["unit_amount"]),
        "price_details": {"price": price["id"], "product": price["product"]},
    }
    return books.part(
        "line_item",
        amount=amount,
        subtotal=amount,
        currency=price["currency"],
        description=words,
        parent=parent,
        period={"start": period[0], "end": period[1]},
        pricing=pricing,
        quantity=quantity,
        quantity_decimal=str(quantity),
        subscription=subscription["id"],
        metadata=subscription["metadata"],
    )


def plan_ahead(books: Books, subscription: Body) -> None:
    """Remember the moments that will come by themselves."""
    id, over = subscription["id"], subscription["status"] in (*OVER, "paused")
    end = subscription["items"]["data"][0]["current_period_end"]
    books.due("renew", id, None if over else end)
    books.due("cancel", id, None if over else subscription["cancel_at"])
    trial = subscription["trial_end"] if subscription["status"] == "trialing" and not over else None
    notice = trial and max(trial - 3 * DAY, subscription["trial_start"])
    books.due("trial", id, notice if notice and notice >= books.now else None)
    pause = subscription["pause_collection"] or {}
    books.due("resume", id, None if over else pause.get("resumes_at"))


def renew(books: Books, subscription: Body) -> None:
    """The next period begins: it moves first, the invoice is a draft for about an hour."""
    if subscription["status"] in OVER or _no_card_after_trial(books, subscription):
        return
    items = subscription["items"]["data"]
    anchor, recurring = subscription["billing_cycle_anchor"], items[0]["price"]["recurring"]
    subscription["_previous_start"] = items[0]["current_period_start"]
    start = items[0]["current_period_end"]
    moved = [
        {**item, "current_period_start": start, "current_period_end": after(anchor, recurring, start)} for item in items
    ]
    status = "active" if subscription["status"] == "trialing" else subscription["status"]
    lines = [*subscription.pop("_pending", []), *(line(books, subscription, item) for item in moved)]
    paused = (subscription["pause_collection"] or {}).get("behavior")
    advance = not paused and status != "unpaid"
    invoice = invoices.draft(books, subscription, lines, "subscription_cycle", advance)
    books.change(
        subscription,
        "customer.subscription.updated",
        status=status,
        latest_invoice=invoice["id"],
        items={**subscription["items"], "data": moved},
    )
    plan_ahead(books, subscription)
    if advance:
        books.due("finalize", invoice["id"], books.now + HOUR)
    elif paused in ("void", "mark_uncollectible"):
        invoices.finalize(books, invoice)
        invoices.withdraw(books, invoice, "void" if paused == "void" else "uncollectible")


def _no_card_after_trial(books: Books, subscription: Body) -> bool:
    """A free time that ends without a card may end or pause the subscription; whether it did."""
    how = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    wanting = subscription["status"] == "trialing" and how != "create_invoice"
    if not wanting or customers.usual_card(books, subscription["customer"], subscription):
        return False
    if how == "cancel":
        end(books, subscription)
        return True
    why = {
        "subscription": {"type": "trial_end_without_payment_method"},
        "transitioned_at": books.now,
        "type": "subscription",
    }
    books.change(subscription, status="paused", status_details={"paused": why})
    plan_ahead(books, subscription)
    books.emit("customer.subscription.paused", subscription)
    return True


@route("POST /v1/subscriptions/:id/resume", params.SubscriptionResumeParams, "billing_cycle_anchor proration_behavior")
def resume(books: Books, _given: Body, id: str) -> Body:
    """A paused one begins a new period now, once that is paid."""
    from portal.sandbox.stripe import changes

    subscription = books.find("subscription", id)
    if subscription["status"] != "paused":
        raise invalid("You can only resume a subscription that is paused.", None, "subscription_not_paused")
    items = subscription["items"]["data"]
    change = changes.begin_anew(books, subscription, items, [])
    books.change(subscription, **change.fields)
    changes.invoice_now(books, subscription, change.lines)
    if subscription["status"] == "active":
        books.change(subscription, status_details=None)
        plan_ahead(books, subscription)
        books.emit("customer.subscription.resumed", subscription)
    return subscription


def end(books: Books, subscription: Body, reason: str = "cancellation_requested", details: Body | None = None) -> Body:
    """The subscription is over now; nothing more is collected for it by itself."""
    for invoice in books.rows("invoice", invoices.SUBSCRIPTION, subscription["id"]):
        if invoice["status"] in ("draft", "open"):
            for what in ("retry", "finalize"):
                books.due(what, invoice["id"], None)
            books.change(invoice, auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)
    if subscription["schedule"]:
        books.change(
            books.find("subscription_schedule", subscription["schedule"]),
            "subscription_schedule.canceled",
            status="canceled",
            canceled_at=books.now,
            current_phase=None,
        )
        books.due("phase", subscription["schedule"], None)
    why = {**subscription["cancellation_details"], "reason": reason, **(details or {})}
    books.change(
        subscription,
        status="canceled",
        ended_at=books.now,
        canceled_at=subscription["canceled_at"] or books.now,
        cancellation_details=why,
    )
    plan_ahead(books, subscription)
    books.emit("customer.subscription.deleted", subscription)
    return subscription


@route("DELETE /v1/subscriptions/:id", params.SubscriptionCancelParams, "invoice_now prorate cancellation_details")
def cancel(books: Books, given: Body, id: str) -> Body:
    """End it now."""
    from portal.sandbox.stripe import changes

    subscription = living(books, id)
    if given.get("prorate"):
        changes.credit_the_rest(books, subscription)
    details = {name: unset(value) for name, value in given.get("cancellation_details", {}).items()}
    end(books, subscription, details=details)
    pending = subscription.pop("_pending", [])
    if pending and given.get("invoice_now"):
        changes.invoice_now(books, subscription, pending)
    elif pending:
        books.change(subscription, _pending=pending)
    return subscription


def living(books: Books, id: str) -> Body:
    """A subscription that is not over."""
    subscription = books.find("subscription", id)
    if subscription["status"] in OVER:
        raise invalid(f"No such subscription: '{id}'", "id", "resource_missing")
    return subscription


def pending_cancel(books: Books, at: int | None, period: bool, details: Body | None = None) -> Body:
    """The fields that say it will end then, or that it will not."""
    why: dict[str, object] = {"comment": None, "feedback": None, "reason": None}
    if at is not None:
        why = {**why, **(details or {}), "reason": "cancellation_requested"}
    return {
        "cancel_at": at,
        "cancel_at_period_end": period,
        "canceled_at": books.now if at is not None else None,
        "cancellation_details": why,
    }


def change_card(books: Books, customer: Body, method: Body) -> None:
    """From now on this card pays, for the customer and every subscription."""
    settings = {**customer["invoice_settings"], "default_payment_method": method["id"]}
    books.change(customer, "customer.updated", invoice_settings=settings)
    for subscription in books.rows("subscription", "customer = ?", customer["id"]):
        if subscription["status"] not in OVER:
            customers.owned(books, method["id"], customer["id"])
            books.change(subscription, "customer.subscription.updated", default_payment_method=method["id"])
