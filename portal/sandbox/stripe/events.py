"""Events, and the endpoints that are told of them."""

import secrets

import stripe
from stripe import params

from portal.sandbox.stripe.books import LETTERS, Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import invalid
from portal.sandbox.stripe.routes import lists, reads, route
from portal.sandbox.stripe.shapes import Body, shown

UNTOLD = "exists (select 1 from deliveries d where d.event = objects.id and d.done <> 1)"

lists(
    "/v1/events",
    params.EventListParams,
    "event",
    type="json_extract(body, '$.type') = ?",
    types="json_extract(body, '$.type') in (?)",
    delivery_success=f"(not {UNTOLD}) = ?",
)
reads("/v1/events", params.EventRetrieveParams, "event")

lists("/v1/webhook_endpoints", params.WebhookEndpointListParams, "webhook_endpoint")
reads("/v1/webhook_endpoints", params.WebhookEndpointRetrieveParams, "webhook_endpoint")


@route(
    "POST /v1/webhook_endpoints",
    params.WebhookEndpointCreateParams,
    "url enabled_events description metadata api_version",
)
def create(books: Books, given: Body) -> Body:
    """An address that is told; its secret is shown this once."""
    if given.get("api_version", stripe.api_version) != stripe.api_version:
        raise invalid(f"The sandbox speaks {stripe.api_version} only.", "api_version")
    given["metadata"] = merged({}, given.get("metadata"))
    endpoint = listen(books, "whsec_" + "".join(secrets.choice(LETTERS) for _ in range(32)), **given)
    return {**shown(endpoint), "secret": endpoint["_secret"]}


def listen(books: Books, secret: str, **fields: object) -> Body:
    """A new endpoint."""
    return books.make("webhook_endpoint", **{"api_version": None, "enabled_events": ["*"], **fields}, _secret=secret)


@route(
    "POST /v1/webhook_endpoints/:id",
    params.WebhookEndpointUpdateParams,
    "url enabled_events description metadata disabled",
)
def update(books: Books, given: Body, id: str) -> Body:
    """Another address, other events, or silence."""
    endpoint = books.find("webhook_endpoint", id)
    if "disabled" in given:
        given["status"] = "disabled" if given.pop("disabled") else "enabled"
    if "metadata" in given:
        given["metadata"] = merged(endpoint["metadata"], given["metadata"])
    return books.change(endpoint, **{name: unset(value) for name, value in given.items()})


@route("DELETE /v1/webhook_endpoints/:id", params.WebhookEndpointDeleteParams)
def delete(books: Books, _given: Body, id: str) -> Body:
    """Nobody is told there any more."""
    endpoint = books.find("webhook_endpoint", id)
    books.change(endpoint, deleted=True, status="disabled")
    books.db.execute("update deliveries set done = 1 where endpoint = ?", (id,))
    return {"id": id, "object": "webhook_endpoint", "deleted": True}
