"""Payment intents, charges and what lands in the balance."""

from stripe import params

from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.cards import CARDS
from portal.sandbox.stripe.routes import lists, only_when_asked, reads
from portal.sandbox.stripe.shapes import Body, listed, shown

DAY = 86400
DISPUTED_AFTER = DAY

for _path, _kind, _lists, _reads in (
    ("payment_intents", "payment_intent", params.PaymentIntentListParams, params.PaymentIntentRetrieveParams),
    ("charges", "charge", params.ChargeListParams, params.ChargeRetrieveParams),
):
    _more = {"payment_intent": "json_extract(body, '$.payment_intent') = ?"} if _kind == "charge" else {}
    lists(f"/v1/{_path}", _lists, _kind, customer="customer = ?", **_more)
    reads(f"/v1/{_path}", _reads, _kind)
lists(
    "/v1/balance_transactions",
    params.BalanceTransactionListParams,
    "balance_transaction",
    currency="json_extract(body, '$.currency') = ?",
    source="json_extract(body, '$.source') = ?",
    type="json_extract(body, '$.type') = ?",
)
reads("/v1/balance_transactions", params.BalanceTransactionRetrieveParams, "balance_transaction")


def intend(books: Books, customer: str, amount: int, currency: str, description: str) -> Body:
    """The wish to be paid."""
    id = books.new_id("payment_intent")
    intent = books.make(
        "payment_intent",
        id=id,
        amount=amount,
        currency=currency,
        customer=customer,
        description=description,
        client_secret=f"{id}_secret_{books.new_id('product')[5:]}",
        setup_future_usage="off_session",
    )
    books.emit("payment_intent.created", intent)
    return intent


def attempt(
    books: Books, intent: Body, method: Body | None, present: bool = False, confirmed: bool | None = None
) -> tuple[str, tuple[str, str, str] | None]:
    """Ask the card's bank: "paid", "asks" (for the person's confirmation) or "declined" with the reason."""
    if method is None:
        why = ("This customer has no attached payment source or default payment method.", "missing", "missing")
        books.change(intent, status="requires_payment_method")
        return "declined", why
    card = CARDS[method["_number"]]
    if card.asks and not confirmed and (present or card.later) and confirmed is None:
        step = {"return_url": None, "url": f"{books.page_url}/i/{intent.get('_invoice')}/bank"}
        action = {"type": "redirect_to_url", "redirect_to_url": step}
        books.change(intent, status="requires_action", payment_method=method["id"], next_action=action)
        books.emit("payment_intent.requires_action", intent)
        return "asks", None
    no = card.at_once if present or card.at_once else card.later
    if card.asks:
        refused = ("We are unable to authenticate your payment method.", "payment_intent_authentication_failure", "")
        no = refused if confirmed is False else None
    charge = _charge(books, intent, method, no)
    if no:
        error = {
            "type": "card_error",
            "code": no[1],
            "message": no[0],
            "charge": charge["id"],
            "payment_method": shown(method),
            **({"decline_code": no[2]} if no[2] else {}),
        }
        books.change(
            intent,
            status="requires_payment_method",
            payment_method=None,
            latest_charge=charge["id"],
            last_payment_error=error,
            next_action=None,
        )
        books.emit("charge.failed", charge)
        books.emit("payment_intent.payment_failed", intent)
        return "declined", no
    books.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        payment_method=method["id"],
        latest_charge=charge["id"],
        last_payment_error=None,
        next_action=None,
    )
    books.emit("charge.succeeded", charge)
    books.emit("payment_intent.succeeded", intent)
    if card.disputed:
        books.due("dispute", charge["id"], books.now + DISPUTED_AFTER)
    return "paid", None


def _charge(books: Books, intent: Body, method: Body, no: tuple[str, str, str] | None) -> Body:
    card = method["card"]
    outcome: Body = {
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
    }
    if no:
        outcome |= {
            "network_status": "declined_by_network",
            "reason": no[2] or no[1],
            "type": "issuer_declined",
            "seller_message": "The bank did not return any further details with this decline.",
        }
    paid_with = {
        "amount_authorized": None if no else intent["amount"],
        "authorization_code": None,
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
    charge = books.make(
        "charge",
        amount=intent["amount"],
        amount_captured=0 if no else intent["amount"],
        captured=no is None,
        billing_details=method["billing_details"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        outcome=outcome,
        paid=no is None,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"type": "card", "card": paid_with},
        status="failed" if no else "succeeded",
        failure_code=no and no[1],
        failure_message=no and no[0],
    )
    if not no:
        move = balance(books, "charge", charge["amount"], charge["currency"], charge["id"], "charge", fee=True)
        receipt = f"{books.page_url}/i/{intent['_invoice']}" if intent.get("_invoice") else None
        books.change(charge, balance_transaction=move["id"], receipt_url=receipt)
    return charge


def balance(books: Books, type: str, amount: int, currency: str, source: str, category: str, fee: bool = False) -> Body:
    """One movement of the account's balance."""
    taken = round(amount * 0.029) if fee else 0
    details: list[object] = (
        [
            {
                "amount": taken,
                "application": None,
                "currency": currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        if fee
        else []
    )
    return books.make(
        "balance_transaction",
        type=type,
        amount=amount,
        currency=currency,
        source=source,
        net=amount - taken,
        fee=taken,
        fee_details=details,
        reporting_category=category,
        available_on=books.now + 2 * DAY,
    )


@only_when_asked("charge", "refunds")
def refunds_of(books: Books, charge: Body) -> Body:
    """What went back of a charge."""
    rows = books.rows("refund", "json_extract(body, '$.charge') = ?", charge["id"])
    return listed(rows, f"/v1/charges/{charge['id']}/refunds")
