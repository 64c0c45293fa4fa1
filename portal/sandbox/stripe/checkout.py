"""Checkout sessions: a page on which a person pays once, and what comes into being then."""

from stripe import params
from stripe.params import checkout as checkout_params

from portal.sandbox.stripe import customers, invoices, subscriptions
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.cards import CARDS, GENERIC, Card
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import invalid
from portal.sandbox.stripe.routes import lists, only_when_asked, reads, route
from portal.sandbox.stripe.shapes import Body, listed

HOUR, DAY = 3600, 86400
REFUSED = "Your bank could not confirm that it is you. Choose another card or try again."

lists(
    "/v1/checkout/sessions",
    checkout_params.SessionListParams,
    "checkout.session",
    customer="customer = ?",
    status="json_extract(body, '$.status') = ?",
    subscription="json_extract(body, '$.subscription') = ?",
    payment_intent="json_extract(body, '$.payment_intent') = ?",
)
reads("/v1/checkout/sessions", checkout_params.SessionRetrieveParams, "checkout.session")


@route(
    "POST /v1/checkout/sessions",
    checkout_params.SessionCreateParams,
    "mode customer customer_email client_reference_id metadata line_items.price line_items.quantity success_url "
    "cancel_url expires_at subscription_data.metadata subscription_data.trial_end subscription_data.trial_period_days "
    "subscription_data.description locale payment_method_collection payment_method_types ui_mode currency "
    "saved_payment_method_options allow_promotion_codes automatic_tax.enabled tax_id_collection.enabled customer_update.address "
    "customer_update.name",
)
def create(books: Books, given: Body) -> Body:
    """A page to pay on. Like a new account it knows no promotion code and has no tax registration, so the total stays what it is."""
    mode = given.get("mode")
    if mode not in ("subscription", "setup"):
        raise invalid(
            "The sandbox sells subscriptions and keeps cards: mode must be `subscription` or `setup`.", "mode"
        )
    if given.get("ui_mode", "hosted_page") != "hosted_page" or "success_url" not in given:
        raise invalid("The sandbox shows hosted pages: give a `success_url`.", "success_url")
    customer = customers.living(books, given["customer"], "customer") if "customer" in given else None
    expires = given.get("expires_at", books.now + DAY)
    if not books.now + HOUR // 2 <= expires <= books.now + DAY:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            "expires_at",
        )
    data = given.get("subscription_data", {})
    trial = data.get("trial_end")
    if days := data.get("trial_period_days"):
        trial = books.now + days * DAY
    if trial is not None and trial < books.now + 2 * DAY:
        raise invalid("The `trial_end` date has to be at least 2 days in the future.", "subscription_data[trial_end]")
    items = _items(books, given) if mode == "subscription" else []
    if customer and items and customer["currency"] not in (None, items[0]["currency"]):
        raise invalid(
            "You cannot combine currencies on a single customer. This customer has paid in "
            f"{customer['currency']} before.",
            "line_items",
        )
    total = sum(item["amount_total"] for item in items)
    id = books.new_id("checkout.session")
    session = books.make(
        "checkout.session",
        id=id,
        mode=mode,
        customer=customer and customer["id"],
        expires_at=expires,
        client_reference_id=given.get("client_reference_id"),
        metadata=merged({}, given.get("metadata")),
        success_url=given["success_url"],
        cancel_url=given.get("cancel_url"),
        locale=given.get("locale"),
        allow_promotion_codes=given.get("allow_promotion_codes"),
        amount_subtotal=total if items else None,
        amount_total=total if items else None,
        currency=items[0]["currency"] if items else given.get("currency"),
        customer_email=unset(given.get("customer_email")),
        url=f"{books.page_url}/c/pay/{id}",
        customer_creation=None if customer else "always",
        _items=items,
        _trial=trial,
        _metadata=merged({}, data.get("metadata")),
        _description=data.get("description"),
    )
    if trial is not None:
        books.change(session, amount_subtotal=0, amount_total=0)
    if mode == "setup":
        books.change(session, payment_status="no_payment_required", customer_creation=None)
    if customer:
        session["customer_details"] = _details(customer)
        books.save(session)
    books.due("expire", id, expires)
    return session


def _items(books: Books, given: Body) -> list[Body]:
    items: list[Body] = []
    for number, wanted in enumerate(given.get("line_items", [])):
        price = books.find("price", wanted.get("price"), f"line_items[{number}][price]")
        quantity = wanted.get("quantity", 1)
        if not price["active"]:
            raise invalid(f"The price specified is inactive: {price['id']}.", f"line_items[{number}][price]")
        if not price["recurring"] or any(
            (price["recurring"]["interval"], price["currency"])
            != (item["price"]["recurring"]["interval"], item["currency"])
            for item in items
        ):
            raise invalid("The sandbox sells subscriptions whose prices recur together.", "line_items")
        product = books.find("product", price["product"])
        amount = price["unit_amount"] * quantity
        item = books.part(
            "item",
            amount_subtotal=amount,
            amount_total=amount,
            currency=price["currency"],
            price=price,
            quantity=quantity,
            description=product["name"],
        )
        items.append(item)
    if not items:
        raise invalid("The `line_items` parameter is required in subscription mode.", "line_items")
    return items


def _details(customer: Body, name: str | None = None) -> Body:
    return {
        "address": customer["address"],
        "business_name": None,
        "email": customer["email"],
        "individual_name": None,
        "name": name or customer["name"],
        "phone": customer["phone"],
        "tax_exempt": "none",
        "tax_ids": None,
    }


@only_when_asked("checkout.session", "line_items")
def line_items(books: Books, session: Body) -> Body:
    """What it sells."""
    stored = books.find("checkout.session", session["id"])
    return listed(stored["_items"], f"/v1/checkout/sessions/{session['id']}/line_items")


@route("GET /v1/checkout/sessions/:id/line_items", checkout_params.SessionListLineItemsParams, "limit")
def list_line_items(books: Books, _given: Body, id: str) -> Body:
    """What it sells, as its own list."""
    session = books.find("checkout.session", id)
    return listed(session["_items"], f"/v1/checkout/sessions/{id}/line_items")


@route("POST /v1/checkout/sessions/:id/expire", checkout_params.SessionExpireParams)
def expire_now(books: Books, _given: Body, id: str) -> Body:
    """Close the page."""
    session = books.find("checkout.session", id)
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            f"status of `{session['status']}`."
        )
    return expire(books, session)


def expire(books: Books, session: Body) -> Body:
    """Nobody can pay here any more."""
    if session["status"] == "open":
        books.due("expire", session["id"], None)
        books.change(session, status="expired", url=None)
        books.emit("checkout.session.expired", session)
        if begun := _begun(books, session):
            subscriptions.lapse(books, begun)
    return session


def pay(
    books: Books,
    id: str,
    card: Card | None = None,
    confirmed: bool | None = None,
    name: str | None = None,
    expiry: tuple[int, int] | None = None,
    email: str | None = None,
) -> str:
    """What the page's form does: "complete", "expired", "declined: …" or "needs confirmation". Paid once.

    The subscription begins with the first try and is incomplete until a card has paid for it, which takes as long as a
    bank waits for a person's word; another card is tried on the same one.
    """
    session = books.find("checkout.session", id)
    if session["status"] != "open":
        return str(session["status"])
    if card is not None:
        books.change(session, _card=card.number, _name=name or session.get("_name"), _expiry=expiry, _email=email)
    said, why = _charge(books, session, confirmed) if _costs(session) else _ask(CARDS[session["_card"]], confirmed)
    if said == "asks":
        return "needs confirmation"
    if said == "declined":
        return f"declined: {REFUSED if confirmed is False else (why or GENERIC)[0]}"
    _complete(books, session)
    return "complete"


def _costs(session: Body) -> bool:
    return session["mode"] == "subscription" and session["_trial"] is None


def _ask(card: Card, confirmed: bool | None) -> tuple[str, tuple[str, str, str] | None]:
    """Whether a card may be kept, for later."""
    if card.at_once or confirmed is False:
        return "declined", card.at_once
    return ("asks" if card.asks and not confirmed else "paid"), None


def _charge(books: Books, session: Body, confirmed: bool | None) -> tuple[str, tuple[str, str, str] | None]:
    """Ask the card for the first invoice of the subscription, which begins with the first try."""
    customer = _payer(books, session)
    method = books.get(session.get("_method")) if confirmed is not None else None
    method = method or _card(books, session, customer)
    subscription = _begun(books, session) or _begin(books, session, customer, method, collect=False)
    books.change(session, _method=method["id"], _subscription=subscription["id"])
    invoice = books.find("invoice", subscription["latest_invoice"])
    if invoice["status"] != "open":  # paid by what the customer had standing
        return "paid", None
    books.change(subscription, default_payment_method=method["id"])
    return invoices.collect(books, invoice, method, present=True, confirmed=confirmed)


def _begun(books: Books, session: Body) -> Body | None:
    found = books.get(session.get("_subscription"))
    return found if found and found["status"] == "incomplete" else None


def _begin(books: Books, session: Body, customer: Body, method: Body, *, collect: bool = True) -> Body:
    wanted = [(books.find("price", item["price"]["id"]), item["quantity"]) for item in session["_items"]]
    subscription = subscriptions.begin(
        books, customer, wanted, method, session["_metadata"], session["_trial"], collect=collect
    )
    if session["_description"]:
        books.change(subscription, description=session["_description"])
    return subscription


def _payer(books: Books, session: Body) -> Body:
    if not (session["customer"] or session.get("_customer")):
        about = {"email": session.get("_email") or session["customer_email"], "name": session.get("_name")}
        books.change(session, _customer=customers.create(books, about)["id"])
    return customers.living(books, session["customer"] or session["_customer"])


def _card(books: Books, session: Body, customer: Body) -> Body:
    return customers.keep_card(books, CARDS[session["_card"]], customer, session["_name"], session["_expiry"])


def _complete(books: Books, session: Body) -> None:
    """It is paid, or the card is kept: the page has done its work."""
    customer = _payer(books, session)
    books.due("expire", session["id"], None)
    details = _details(customer, session["_name"])
    books.change(session, status="complete", customer=customer["id"], url=None, customer_details=details)
    if session["mode"] == "setup":
        _keep(books, session, customer, _card(books, session, customer))
    else:
        made = books.get(session.get("_subscription")) or _begin(
            books, session, customer, _card(books, session, customer)
        )
        paid = "paid" if _costs(session) else "no_payment_required"
        books.change(session, subscription=made["id"], invoice=made["latest_invoice"], payment_status=paid)
    books.emit("checkout.session.completed", session)


def _keep(books: Books, session: Body, customer: Body, method: Body) -> None:
    id = books.new_id("setup_intent")
    intent = books.make(
        "setup_intent",
        id=id,
        customer=customer["id"],
        payment_method=method["id"],
        client_secret=f"{id}_secret_{session['id'][-12:]}",
    )
    books.emit("setup_intent.succeeded", intent)
    books.change(session, setup_intent=id)


reads("/v1/setup_intents", params.SetupIntentRetrieveParams, "setup_intent")
lists(
    "/v1/setup_intents",
    params.SetupIntentListParams,
    "setup_intent",
    customer="customer = ?",
    payment_method="json_extract(body, '$.payment_method') = ?",
)
