"""The provider's webhook: read the raw body, check its signature, note it once, wake a job. Nothing else.

What an event claims is never believed: the job asks the provider itself (see `refresh`).
"""

import json
from datetime import UTC, datetime
from typing import Any

import stripe
from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from werkzeug.exceptions import RequestEntityTooLarge

from portal import audit, limits
from portal.access import public
from portal.billing.actions import ask_provider
from portal.billing.jobs import refetch_payer
from portal.csrf import for_machines
from portal.database import db

bp = Blueprint("webhook", __name__)

NOTE = text("select note_provider_event(:id, :kind, :customer, cast(:body as jsonb), :created)")
TOLERANCE = 300  # seconds a signature stays good, the provider's own default
LARGEST = 1024 * 1024
LONGEST = 255  # characters of a name; the provider's own limit
# Personal data that facts do not need; the rest of an event is ids, states and amounts.
PRIVATE = (
    "email",
    "name",
    "phone",
    "address",
    "billing_details",
    "customer_details",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_address",
    "customer_shipping",
    "customer_tax_ids",
    "shipping",
    "evidence",
    "ip_address",
    "receipt_email",
    "url",
    "hosted_invoice_url",
    "invoice_pdf",
    "receipt_url",
    "client_secret",
)
WRONG = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    OSError,
    RecursionError,
    RequestEntityTooLarge,
    stripe.SignatureVerificationError,
)


@bp.post("/webhooks/stripe")
@public
@for_machines
def receive() -> ResponseReturnValue:
    """Take one delivery. 200 for every true one, however often it comes; 400 for anything else, noted as security once in
    a quarter of an hour for each network, and 429 for whoever comes with such again and again.
    """
    try:
        event = _read()
    except WRONG as error:
        limits.limit("delivery", allowed=20, seconds=900)
        if not limits.wait_for("delivery-noted", limits.network(), allowed=1, seconds=900):
            words = f"A delivery was refused: {type(error).__name__}"
            audit.record(db.session(), "provider.refused", words, category="security", level="warn")
        return "", 400
    payment = event.pop("payment")
    if db.session.execute(NOTE, event).scalar():
        if event["customer"]:
            ask_provider(db.session(), event["customer"], event["id"])
        elif payment:
            refetch_payer.enqueue(db.session(), payment_id=payment, event_id=event["id"])
    return "", 200


def _read() -> dict[str, Any]:  # JSON, of any shape
    """The fields of the event. Raises one of `WRONG` for a body that is not a signed event."""
    request.max_content_length = LARGEST
    body = request.get_data(cache=False).decode()
    secret = current_app.config["SETTINGS"].stripe_webhook_secret
    signature = request.headers.get("Stripe-Signature", "")
    stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=TOLERANCE)
    event = json.loads(body)
    about, created = event["data"]["object"], datetime.fromtimestamp(event["created"], UTC)
    customer = about["id"] if about.get("object") == "customer" else about.get("customer")
    payment = about.get("payment_intent")  # a dispute and a refund name their payment alone
    names = (event["id"], event["type"])
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST for name in names) or not all(
        name is None or (isinstance(name, str) and len(name) <= LONGEST) for name in (customer, payment)
    ):
        raise ValueError("an event without its names")
    kept = json.dumps(_without_people(event), ensure_ascii=False, allow_nan=False)
    kept.encode()  # raises for what is no text, as the database would
    if "\\u0000" in kept:
        raise ValueError("a character the database cannot keep")
    return {
        "id": event["id"],
        "kind": event["type"],
        "customer": customer,
        "payment": payment,
        "created": created,
        "body": kept,
    }


def _without_people(found: object) -> object:
    if isinstance(found, dict):
        return {key: None if key in PRIVATE else _without_people(value) for key, value in found.items()}
    return [_without_people(value) for value in found] if isinstance(found, list) else found
