"""Money that goes back: refunds, and disputes that a bank opens."""

from stripe import params

from portal.sandbox.stripe import payments
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import invalid
from portal.sandbox.stripe.rhythm import money
from portal.sandbox.stripe.routes import lists, reads, route
from portal.sandbox.stripe.shapes import Body

DAY = 86400
FAILS_AFTER = DAY
DISPUTE_FEE = 1500
OF = {"charge": "json_extract(body, '$.charge') = ?", "payment_intent": "json_extract(body, '$.payment_intent') = ?"}

lists("/v1/refunds", params.RefundListParams, "refund", **OF)
reads("/v1/refunds", params.RefundRetrieveParams, "refund")
lists("/v1/disputes", params.DisputeListParams, "dispute", **OF)
reads("/v1/disputes", params.DisputeRetrieveParams, "dispute")


@route("POST /v1/refunds", params.RefundCreateParams, "charge payment_intent amount reason metadata")
def create(books: Books, given: Body) -> Body:
    """Give money back, all that is left or a part of it."""
    charge = _charge(books, given)
    left = charge["amount"] - charge["amount_refunded"]
    amount = given.get("amount", left)
    if charge["refunded"]:
        raise invalid(f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded")
    if charge["disputed"]:
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", None, "charge_disputed")
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    if amount > left:
        currency = charge["currency"]
        raise invalid(
            f"Refund amount ({money(amount, currency)}) is greater than unrefunded amount on charge "
            f"({money(left, currency)})",
            "amount",
        )
    refund = books.make(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        customer=charge["customer"],
        metadata=merged({}, given.get("metadata")),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=given.get("reason"),
    )
    move = payments.balance(books, "refund", -amount, charge["currency"], refund["id"], "refund")
    books.change(refund, balance_transaction=move["id"])
    books.emit("refund.created", refund)
    _put_back(books, charge, amount)
    books.emit("charge.refunded", charge)
    if books.setting("switches", {}).get("refunds") == "fail":
        books.due("refund", refund["id"], books.now + FAILS_AFTER)
    return refund


def _charge(books: Books, given: Body) -> Body:
    if "charge" in given:
        charge = books.find("charge", given["charge"], "charge")
    else:
        if "payment_intent" not in given:
            raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
        intent = books.find("payment_intent", given["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", "payment_intent"
            )
        charge = books.find("charge", intent["latest_charge"])
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} did not succeed: there is nothing to refund.", "charge")
    return charge


def _put_back(books: Books, charge: Body, amount: int) -> None:
    total = charge["amount_refunded"] + amount
    books.change(charge, amount_refunded=total, refunded=total == charge["amount"])


@route("POST /v1/refunds/:id", params.RefundUpdateParams, "metadata")
def update(books: Books, given: Body, id: str) -> Body:
    """Notes on a refund."""
    refund = books.find("refund", id)
    return books.change(refund, "refund.updated", metadata=merged(refund["metadata"], given.get("metadata")))


def fail(books: Books, refund: Body) -> Body:
    """The bank sends the money back to us: the card is no more."""
    if refund["status"] != "succeeded":
        return refund
    books.due("refund", refund["id"], None)
    move = payments.balance(
        books, "refund_failure", refund["amount"], refund["currency"], refund["id"], "refund_failure"
    )
    books.change(
        refund, status="failed", failure_reason="expired_or_canceled_card", failure_balance_transaction=move["id"]
    )
    _put_back(books, books.find("charge", refund["charge"]), -refund["amount"])
    books.emit("refund.updated", refund, {"status": "succeeded"})
    books.emit("refund.failed", refund)
    return refund


# -- disputes ------------------------------------------------------------------------------------------------------
def dispute(books: Books, charge: Body) -> Body | None:
    """The customer's bank takes the money back for now."""
    amount = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"] or charge["status"] != "succeeded" or not amount:
        return None
    id = books.new_id("dispute")
    dispute = books.make(
        "dispute",
        id=id,
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        evidence_details={
            "due_by": books.now + 10 * DAY,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "enhanced_eligibility": {},
        },
        payment_method_details={
            "type": "card",
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4",
            },
        },
    )
    move = payments.balance(books, "adjustment", -amount, charge["currency"], id, "dispute")
    move |= {"fee": DISPUTE_FEE, "net": -amount - DISPUTE_FEE}
    move["fee_details"] = [
        {
            "amount": DISPUTE_FEE,
            "application": None,
            "currency": charge["currency"],
            "description": "Dispute fee",
            "type": "stripe_fee",
        }
    ]
    books.save(move)
    books.change(dispute, balance_transactions=[move])
    books.change(charge, disputed=True)
    books.emit("charge.dispute.created", dispute)
    books.emit("charge.dispute.funds_withdrawn", dispute)
    books.due("lapse", id, books.now + 10 * DAY)
    return dispute


@route(
    "POST /v1/disputes/:id",
    params.DisputeUpdateParams,
    "evidence.uncategorized_text evidence.product_description evidence.customer_name "
    "evidence.customer_email_address submit metadata",
)
def answer(books: Books, given: Body, id: str) -> Body:
    """Evidence for the bank."""
    dispute = _open(books, id)
    fields: Body = {"metadata": merged(dispute["metadata"], given.get("metadata"))}
    if "evidence" in given:
        fields["evidence"] = dispute["evidence"] | {k: unset(v) for k, v in given["evidence"].items()}
        fields["evidence_details"] = {**dispute["evidence_details"], "has_evidence": True}
        if given.get("submit", True):
            fields["evidence_details"]["submission_count"] += 1
            fields["status"] = "under_review"
            books.due("lapse", id, None)
    return books.change(dispute, "charge.dispute.updated", **fields)


@route("POST /v1/disputes/:id/close", params.DisputeCloseParams)
def give_in(books: Books, _given: Body, id: str) -> Body:
    """Do not argue: the dispute is lost."""
    return close(books, _open(books, id), won=False)


def lapse(books: Books, dispute: Body) -> Body:
    """Nobody answered in time."""
    return close(books, dispute, won=False) if dispute["status"] == "needs_response" else dispute


def close(books: Books, dispute: Body, won: bool) -> Body:
    """The bank has decided."""
    books.due("lapse", dispute["id"], None)
    moves = dispute["balance_transactions"]
    if won:
        back = payments.balance(
            books, "adjustment", dispute["amount"], dispute["currency"], dispute["id"], "dispute_reversal"
        )
        moves = [*moves, back]
    books.change(dispute, status="won" if won else "lost", balance_transactions=moves)
    books.emit("charge.dispute.closed", dispute)
    if won:
        books.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _open(books: Books, id: str) -> Body:
    dispute = books.find("dispute", id)
    if dispute["status"] in ("won", "lost"):
        raise invalid("This dispute is already closed.", None, "dispute_already_closed")
    return dispute
