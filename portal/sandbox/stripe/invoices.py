"""Invoices: drafted, finalised after an hour, charged, retried, and what that does to the subscription."""

from stripe import params

from portal.sandbox.stripe import customers, payments
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import declined, invalid
from portal.sandbox.stripe.routes import lists, only_when_asked, reads, route
from portal.sandbox.stripe.shapes import LINES, Body, listed

HOUR, DAY = 3600, 86400
RETRIES = (3 * DAY, 5 * DAY, 7 * DAY)
SUBSCRIPTION = "json_extract(body, '$.parent.subscription_details.subscription') = ?"

lists(
    "/v1/invoices",
    params.InvoiceListParams,
    "invoice",
    customer="customer = ?",
    subscription=SUBSCRIPTION,
    status="json_extract(body, '$.status') = ?",
)
reads("/v1/invoices", params.InvoiceRetrieveParams, "invoice")
lists(
    "/v1/invoice_payments",
    params.InvoicePaymentListParams,
    "invoice_payment",
    also="",
    invoice="json_extract(body, '$.invoice') = ?",
    status="json_extract(body, '$.status') = ?",
    **{"payment": "json_extract(body, '$.payment.payment_intent') = ?"},
)
reads("/v1/invoice_payments", params.InvoicePaymentRetrieveParams, "invoice_payment")


# -- a life --------------------------------------------------------------------------------------------------------
def draft(books: Books, subscription: Body, lines: list[Body], reason: str, advance: bool = True) -> Body:
    """A new invoice that is still being written."""
    customer = books.find("customer", subscription["customer"])
    id = books.new_id("invoice")
    for line in lines:
        line["invoice"] = id
    parent = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
    invoice = books.make(
        "invoice",
        id=id,
        customer=customer["id"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_phone=customer["phone"],
        customer_address=customer["address"],
        currency=subscription["currency"],
        billing_reason=reason,
        auto_advance=advance,
        lines=listed(lines, f"/v1/invoices/{id}/lines"),
        parent={"type": "subscription_details", "quote_details": None, "subscription_details": parent},
        period_start=books.now,
        period_end=books.now,
        **totals(lines, customer["balance"]),
    )
    if reason == "subscription_cycle":
        invoice["period_start"] = min((line["period"]["start"] for line in lines), default=books.now)
        invoice["period_start"] = subscription.get("_previous_start", invoice["period_start"])
    books.save(invoice)
    if advance:
        books.change(invoice, automatically_finalizes_at=books.now + HOUR)
    books.emit("invoice.created", invoice)
    return invoice


def totals(lines: list[Body], balance: int) -> Body:
    """What the lines come to, after what the customer has standing."""
    total = sum(line["amount"] for line in lines)
    due = max(0, total + balance)
    return {
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
        "amount_due": due,
        "amount_remaining": due,
        "starting_balance": balance,
    }


def finalize(books: Books, invoice: Body) -> Body:
    """The invoice is written: it has a number, the standing balance is used, and money is asked for."""
    customer = customers.living(books, invoice["customer"])
    books.due("finalize", invoice["id"], None)
    sums = totals(invoice["lines"]["data"], customer["balance"])
    ending = min(0, sums["total"] + sums["starting_balance"])
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    books.save(customer)
    books.change(customer, "customer.updated", balance=ending)
    url = f"{books.page_url}/i/{invoice['id']}"
    books.change(
        invoice,
        **sums,
        status="open",
        number=number,
        ending_balance=ending,
        hosted_invoice_url=url,
        invoice_pdf=url,
        effective_at=books.now,
        automatically_finalizes_at=None,
        status_transitions={**invoice["status_transitions"], "finalized_at": books.now},
    )
    if invoice["amount_due"]:
        intent = payments.intend(books, customer["id"], invoice["amount_due"], invoice["currency"], _why(invoice))
        books.change(intent, _invoice=invoice["id"])
        books.make(
            "invoice_payment",
            invoice=invoice["id"],
            amount_requested=invoice["amount_due"],
            currency=invoice["currency"],
            payment={"type": "payment_intent", "payment_intent": intent["id"]},
        )
    books.emit("invoice.finalized", invoice)
    return invoice


def collect(
    books: Books, invoice: Body, method: Body | None = None, present: bool = False, confirmed: bool | None = None
) -> tuple[str, tuple[str, str, str] | None]:
    """Try to be paid; a no moves the subscription, and plans the next try."""
    if invoice["amount_due"] == 0:
        settle(books, invoice)
        return "paid", None
    subscription = subscription_of(books, invoice)
    method = method or customers.usual_card(books, invoice["customer"], subscription)
    intent = intent_of(books, invoice)
    outcome, why = payments.attempt(books, intent, method, present, confirmed)
    books.change(invoice, attempted=True, attempt_count=invoice["attempt_count"] + 1)
    if outcome == "paid":
        settle(books, invoice)
        return outcome, why
    tries = invoice["attempt_count"]
    automatic = invoice["auto_advance"] and outcome == "declined" and invoice["billing_reason"] != "subscription_create"
    again = books.now + RETRIES[tries - 1] if automatic and tries <= len(RETRIES) else None
    books.due("retry", invoice["id"], again)
    books.change(invoice, next_payment_attempt=again)
    if outcome == "asks":
        books.emit("invoice.payment_action_required", invoice)
    books.emit("invoice.payment_failed", invoice)
    books.emit("invoice.updated", invoice, {"attempt_count": tries - 1})
    _fell_behind(books, invoice, subscription, last=automatic and again is None)
    return outcome, why


def settle(books: Books, invoice: Body, outside: bool = False) -> None:
    """Paid: the subscription stands again."""
    for payment in _payments(books, invoice):
        times = {"canceled_at": None, "paid_at": books.now}
        if outside:
            cancel_payment(books, payment)
        elif payment["status"] == "open":
            books.change(payment, status="paid", amount_paid=invoice["amount_due"], status_transitions=times)
            books.emit("invoice_payment.paid", payment)
    books.due("retry", invoice["id"], None)
    paid = invoice["amount_due"]
    books.change(
        invoice,
        status="paid",
        amount_paid=paid,
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        amount_paid_off_stripe=paid if outside else 0,
        status_transitions={**invoice["status_transitions"], "paid_at": books.now},
    )
    books.emit("invoice.paid", invoice)
    books.emit("invoice.payment_succeeded", invoice)
    customer = books.find("customer", invoice["customer"])
    if customer.get("delinquent"):
        books.change(customer, "customer.updated", delinquent=False)
    subscription = subscription_of(books, invoice)
    latest = subscription is not None and subscription["latest_invoice"] == invoice["id"]
    if (
        subscription
        and invoice.get("_apply")
        and latest
        and subscription["status"] not in ("canceled", "incomplete_expired")
    ):
        from portal.sandbox.stripe import changes

        changes.come_true(books, subscription, invoice["_apply"])
    elif subscription and latest and subscription["status"] in ("incomplete", "past_due", "unpaid", "paused"):
        books.due("incomplete", subscription["id"], None)
        books.change(subscription, "customer.subscription.updated", status="active")


def _fell_behind(books: Books, invoice: Body, subscription: Body | None, last: bool) -> None:
    customer = books.find("customer", invoice["customer"])
    if not customer.get("deleted"):
        books.change(customer, "customer.updated", delinquent=True)
    if subscription is None or subscription["status"] in ("incomplete", "canceled", "incomplete_expired"):
        return
    if invoice.get("_apply"):  # the change waits; what runs goes on
        return
    if subscription["status"] in ("active", "trialing"):
        books.change(subscription, "customer.subscription.updated", status="past_due")
    if last and books.setting("after_retries", "cancel") == "cancel":
        from portal.sandbox.stripe import subscriptions

        subscriptions.end(books, subscription, "payment_failed")
    elif last:
        books.change(subscription, "customer.subscription.updated", status="unpaid")


def withdraw(books: Books, invoice: Body, status: str) -> Body:
    """Nobody is asked for this money any more: "void", or "uncollectible"."""
    for what in ("retry", "finalize"):
        books.due(what, invoice["id"], None)
    name = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}[status]
    books.change(
        invoice,
        status=status,
        auto_advance=False,
        next_payment_attempt=None,
        automatically_finalizes_at=None,
        status_transitions={**invoice["status_transitions"], name: books.now},
    )
    if status == "void":
        for payment in _payments(books, invoice):
            cancel_payment(books, payment)
        used = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
        customer = books.find("customer", invoice["customer"])
        if used and not customer.get("deleted"):
            books.change(customer, "customer.updated", balance=customer["balance"] + used)
        books.change(invoice, amount_remaining=0)
    books.emit("invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)
    return invoice


def cancel_payment(books: Books, payment: Body) -> None:
    """This wish to be paid is over."""
    if payment["status"] != "open":
        return
    times = {"canceled_at": books.now, "paid_at": None}
    books.change(payment, status="canceled", status_transitions=times)
    intent = books.find("payment_intent", payment["payment"]["payment_intent"])
    books.change(intent, status="canceled", canceled_at=books.now, cancellation_reason="void_invoice", next_action=None)
    books.emit("payment_intent.canceled", intent)


# -- asked over the API --------------------------------------------------------------------------------------------
@route("POST /v1/invoices/:id/pay", params.InvoicePayParams, "payment_method paid_out_of_band off_session forgive")
def pay(books: Books, given: Body, id: str) -> Body:
    """Pay an open invoice now."""
    invoice = _open(books, id, ("draft", "open", "uncollectible"))
    if invoice["status"] == "draft":
        finalize(books, invoice)
    if given.get("paid_out_of_band"):
        settle(books, invoice, outside=True)
        return invoice
    method = None
    if "payment_method" in given:
        method = customers.owned(books, given["payment_method"], invoice["customer"])
    outcome, why = collect(books, invoice, method)
    if outcome == "asks":
        raise declined(
            "This payment requires additional user action before it can be completed successfully.",
            "invoice_payment_intent_requires_action",
            None,
        )
    if why:
        raise declined(why[0], why[1], why[2] or None)
    return invoice


@route("POST /v1/invoices/:id", params.InvoiceUpdateParams, "auto_advance description metadata")
def update(books: Books, given: Body, id: str) -> Body:
    """Other words on it; or let a kept draft go its way."""
    invoice = books.find("invoice", id)
    if "metadata" in given:
        given["metadata"] = merged(invoice["metadata"], given["metadata"])
    if "auto_advance" in given and invoice["status"] == "draft":
        books.due("finalize", id, books.now + HOUR if given["auto_advance"] else None)
        given["automatically_finalizes_at"] = books.now + HOUR if given["auto_advance"] else None
    return books.change(invoice, "invoice.updated", **{name: unset(value) for name, value in given.items()})


@route("GET /v1/invoices/:id/lines", params.InvoiceListLinesParams, "limit starting_after")
def lines_of(books: Books, given: Body, id: str) -> Body:
    """What an invoice asks for, line by line."""
    lines: list[Body] = books.find("invoice", id)["lines"]["data"]
    first = next((n for n, line in enumerate(lines, 1) if line["id"] == given.get("starting_after")), 0)
    last = first + int(given.get("limit", LINES))
    return listed(lines[first:last], f"/v1/invoices/{id}/lines", last < len(lines))


@route("POST /v1/invoices/:id/void", params.InvoiceVoidInvoiceParams)
def void(books: Books, _given: Body, id: str) -> Body:
    """This invoice was a mistake."""
    return withdraw(books, _open(books, id, ("open", "uncollectible")), "void")


@route("POST /v1/invoices/:id/mark_uncollectible", params.InvoiceMarkUncollectibleParams)
def mark_uncollectible(books: Books, _given: Body, id: str) -> Body:
    """This money will not come."""
    return withdraw(books, _open(books, id, ("open",)), "uncollectible")


@route("POST /v1/invoices/:id/finalize", params.InvoiceFinalizeInvoiceParams, "auto_advance")
def finalize_now(books: Books, given: Body, id: str) -> Body:
    """Do not wait for the hour."""
    invoice = _open(books, id, ("draft",))
    if "auto_advance" in given:
        books.change(invoice, auto_advance=given["auto_advance"])
    return finalize(books, invoice)


def _open(books: Books, id: str, states: tuple[str, ...]) -> Body:
    invoice = books.find("invoice", id)
    if invoice["status"] == "paid" and "open" in states:
        raise invalid("Invoice is already paid", None, "invoice_already_paid" if "draft" in states else None)
    if invoice["status"] not in states:
        raise invalid(
            f"You can't do this with an invoice whose status is {invoice['status']}.", None, "invoice_not_editable"
        )
    return invoice


# -- what belongs to an invoice ------------------------------------------------------------------------------------
def subscription_of(books: Books, invoice: Body) -> Body | None:
    """The subscription this invoice is for."""
    return books.get(invoice["parent"]["subscription_details"]["subscription"]) if invoice["parent"] else None


def intent_of(books: Books, invoice: Body) -> Body:
    """The wish to be paid that stands behind it."""
    return books.find("payment_intent", _payments(books, invoice)[0]["payment"]["payment_intent"])


def _payments(books: Books, invoice: Body) -> list[Body]:
    return books.rows("invoice_payment", "json_extract(body, '$.invoice') = ?", invoice["id"])


@only_when_asked("invoice", "payments")
def payments_of(books: Books, invoice: Body) -> Body:
    """How it was, or shall be, paid."""
    return listed(_payments(books, invoice), f"/v1/invoices/{invoice['id']}/payments")


@only_when_asked("invoice", "confirmation_secret")
def secret_of(books: Books, invoice: Body) -> object:
    """What a page needs to let a person confirm."""
    if not _payments(books, invoice):
        return None
    return {"client_secret": intent_of(books, invoice)["client_secret"], "type": "payment_intent"}


def _why(invoice: Body) -> str:
    created = invoice["billing_reason"] == "subscription_create"
    return "Subscription creation" if created else "Subscription update"
