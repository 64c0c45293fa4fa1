"""The billing portal: a link to a page where a customer changes the card, ends or resumes, and reads invoices."""

from stripe.params import billing_portal as params

from portal.sandbox.stripe import customers
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged
from portal.sandbox.stripe.problems import invalid
from portal.sandbox.stripe.routes import lists, reads, route
from portal.sandbox.stripe.shapes import Body

HOUR = 3600
DONE = "portal_homepage"

lists(
    "/v1/billing_portal/configurations",
    params.ConfigurationListParams,
    "billing_portal.configuration",
    active="json_extract(body, '$.active') = ?",
    is_default="json_extract(body, '$.is_default') = ?",
)
reads("/v1/billing_portal/configurations", params.ConfigurationRetrieveParams, "billing_portal.configuration")


@route(
    "POST /v1/billing_portal/configurations",
    params.ConfigurationCreateParams,
    "business_profile default_return_url metadata name features.invoice_history features.payment_method_update "
    "features.subscription_cancel features.customer_update.enabled features.subscription_update.enabled",
)
def configure(books: Books, given: Body) -> Body:
    """What the page offers."""
    first = not books.rows("billing_portal.configuration", limit=1)
    made = books.make("billing_portal.configuration", is_default=first, updated=books.now)
    for name, wanted in given.get("features", {}).items():
        made["features"][name] |= wanted
    made["business_profile"] |= given.get("business_profile", {})
    made |= {name: given[name] for name in ("default_return_url", "name") if name in given}
    made["metadata"] = merged({}, given.get("metadata"))
    books.save(made)
    return made


def _usual(books: Books) -> Body:
    found = books.rows("billing_portal.configuration", "json_extract(body, '$.is_default')", limit=1)
    return found[0] if found else configure(books, {})


@route(
    "POST /v1/billing_portal/sessions",
    params.SessionCreateParams,
    "customer return_url configuration locale flow_data.type flow_data.after_completion "
    "flow_data.subscription_cancel.subscription",
)
def create(books: Books, given: Body) -> Body:
    """A link for one customer, good for an hour."""
    customer = customers.living(books, given.get("customer"), "customer")
    chosen = given.get("configuration")
    configuration = books.find("billing_portal.configuration", chosen, "configuration") if chosen else _usual(books)
    id = books.new_id("billing_portal.session")
    return books.make(
        "billing_portal.session",
        id=id,
        customer=customer["id"],
        configuration=configuration["id"],
        return_url=given.get("return_url") or configuration["default_return_url"],
        locale=given.get("locale"),
        flow=_flow(books, given["flow_data"]) if "flow_data" in given else None,
        url=f"{books.page_url}/p/session/{id}",
        _until=books.now + HOUR,
    )


def _flow(books: Books, given: Body) -> Body:
    if given["type"] not in ("payment_method_update", "subscription_cancel"):
        raise invalid(
            "The sandbox's portal knows the flows payment_method_update and subscription_cancel.", "flow_data[type]"
        )
    ending = given.get("subscription_cancel")
    if ending:
        books.find("subscription", ending.get("subscription"), "flow_data[subscription_cancel][subscription]")
    after = {"hosted_confirmation": None, "redirect": None, "type": DONE, **given.get("after_completion", {})}
    cancel = {"retention": None, "subscription": ending["subscription"]} if ending else None
    return {
        "type": given["type"],
        "after_completion": after,
        "subscription_cancel": cancel,
        "subscription_update": None,
        "subscription_update_confirm": None,
    }
