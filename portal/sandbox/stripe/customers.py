"""Customers and the cards they keep."""

import re

from stripe import params

from portal import clock
from portal.sandbox.stripe.books import Books, fingerprint
from portal.sandbox.stripe.cards import Card
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import invalid, missing
from portal.sandbox.stripe.routes import lists, reads, route
from portal.sandbox.stripe.shapes import Body, listed

PLAIN = "address balance description email name phone preferred_locales shipping tax_exempt"
KNOWN = f"{PLAIN} metadata invoice_settings.default_payment_method"

lists("/v1/customers", params.CustomerListParams, "customer", email="json_extract(body, '$.email') = ?")


@route("POST /v1/customers", params.CustomerCreateParams, KNOWN)
def create(books: Books, given: Body) -> Body:
    """A new customer."""
    customer = books.make("customer", invoice_prefix=fingerprint(books.new_id("customer")).upper()[:8])
    _fill(books, customer, given)
    books.save(customer)
    books.emit("customer.created", customer)
    return customer


@route("GET /v1/customers/:id", params.CustomerRetrieveParams)
def retrieve(books: Books, _given: Body, id: str) -> Body:
    """A customer; of a deleted one only that it was."""
    return books.find("customer", id)


@route("POST /v1/customers/:id", params.CustomerUpdateParams, KNOWN)
def update(books: Books, given: Body, id: str) -> Body:
    """Other words about a customer."""
    customer = living(books, id)
    new = dict(customer)
    _fill(books, new, given)
    return books.change(customer, "customer.updated", **new)


@route("DELETE /v1/customers/:id", params.CustomerDeleteParams)
def delete(books: Books, _given: Body, id: str) -> Body:
    """Gone, with every subscription; what was paid stays on the books."""
    from portal.sandbox.stripe import subscriptions

    customer = living(books, id)
    for subscription in books.rows("subscription", "customer = ?", id):
        if subscription["status"] not in subscriptions.OVER:
            subscriptions.end(books, subscription)
    books.emit("customer.deleted", customer)
    gone: Body = {"id": id, "object": "customer", "deleted": True}
    customer.clear()
    customer.update(gone)
    books.save(customer)
    return gone


def living(books: Books, id: str | None, param: str = "id") -> Body:
    """A customer who was not deleted."""
    customer = books.find("customer", id, param)
    if customer.get("deleted"):
        raise missing("customer", str(id), param)
    return customer


def _fill(books: Books, customer: Body, given: Body) -> None:
    address = given.get("email") or "nobody@x.example"
    if not re.fullmatch(r"[!-~]+@[!-~]+\.[!-~]+", address):  # ASCII alone
        raise invalid(f"Invalid email address: {address}", "email", "email_invalid")
    for name in PLAIN.split():
        if name in given:
            customer[name] = unset(given[name]) if name != "balance" else given[name]
    if "metadata" in given:
        customer["metadata"] = merged(customer["metadata"], given["metadata"])
    if "default_payment_method" in given.get("invoice_settings", {}):
        method = unset(given["invoice_settings"]["default_payment_method"])
        if method:
            owned(books, method, customer["id"], "invoice_settings[default_payment_method]")
        customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": method}


# -- cards ---------------------------------------------------------------------------------------------------------
lists(
    "/v1/payment_methods",
    params.PaymentMethodListParams,
    "payment_method",
    customer="customer = ?",
    type="json_extract(body, '$.type') = ?",
)
reads("/v1/payment_methods", params.PaymentMethodRetrieveParams, "payment_method")


@route("GET /v1/customers/:id/payment_methods", params.CustomerPaymentMethodListParams, "limit type")
def of_customer(books: Books, _given: Body, id: str) -> Body:
    """The cards of one customer."""
    living(books, id)
    return listed(books.rows("payment_method", "customer = ?", id), f"/v1/customers/{id}/payment_methods")


@route("POST /v1/payment_methods/:id/detach", params.PaymentMethodDetachParams)
def detach(books: Books, _given: Body, id: str) -> Body:
    """The customer keeps this card no longer."""
    method = books.find("payment_method", id)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    customer = living(books, method["customer"])
    if customer["invoice_settings"]["default_payment_method"] == id:
        settings = {**customer["invoice_settings"], "default_payment_method": None}
        books.change(customer, "customer.updated", invoice_settings=settings)
    for subscription in books.rows("subscription", "customer = ?", customer["id"]):
        if subscription["default_payment_method"] == id:
            books.change(subscription, "customer.subscription.updated", default_payment_method=None)
    books.change(method, customer=None)
    books.emit("payment_method.detached", method)
    return method


def owned(books: Books, id: str | None, customer: str, param: str = "payment_method") -> Body:
    """A card that belongs to this customer."""
    method = books.find("payment_method", id, param)
    if method["customer"] != customer:
        raise invalid("The customer does not have a payment method with the ID " + str(id), param, "resource_missing")
    return method


def keep_card(
    books: Books, card: Card, customer: Body, name: str | None = None, expiry: tuple[int, int] | None = None
) -> Body:
    """The customer's new card."""
    month, year = expiry or (12, clock.now().year + 4)
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    details = {
        "brand": card.brand,
        "checks": checks,
        "country": "DE",
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": fingerprint(card.number),
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    method = books.make("payment_method", customer=customer["id"], card=details, _number=card.number)
    method["billing_details"] |= {"email": customer["email"], "name": name or customer["name"]}
    books.save(method)
    books.emit("payment_method.attached", method)
    return method


def usual_card(books: Books, customer: str, subscription: Body | None = None) -> Body | None:
    """The card that pays when nobody says which: the subscription's, else the customer's."""
    owner = books.find("customer", customer)
    chosen = (subscription or {}).get("default_payment_method")
    chosen = chosen or owner.get("invoice_settings", {}).get("default_payment_method")
    return books.get(chosen) if chosen else None
