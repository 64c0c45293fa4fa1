"""Products and their prices."""

from stripe import params

from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged, unset
from portal.sandbox.stripe.problems import invalid
from portal.sandbox.stripe.routes import lists, reads, route
from portal.sandbox.stripe.shapes import Body

WORDS = "name active description images statement_descriptor unit_label url default_price shippable"

lists(
    "/v1/products",
    params.ProductListParams,
    "product",
    active="json_extract(body, '$.active') = ?",
    ids="id in (?)",
    url="json_extract(body, '$.url') = ?",
)
reads("/v1/products", params.ProductRetrieveParams, "product")


@route("POST /v1/products", params.ProductCreateParams, f"id metadata default_price_data {WORDS}")
def create_product(books: Books, given: Body) -> Body:
    """Something to sell."""
    price = given.pop("default_price_data", None)
    if "id" in given and books.get(given["id"]):
        raise invalid("Product already exists.", "id", "resource_already_exists")
    given["metadata"] = merged({}, given.get("metadata"))
    product = books.make("product", updated=books.now, **{name: unset(value) for name, value in given.items()})
    books.emit("product.created", product)
    if price:
        product["default_price"] = create_price(books, {"product": product["id"], **price})["id"]
        books.save(product)
    return product


@route("POST /v1/products/:id", params.ProductUpdateParams, f"metadata {WORDS}")
def update_product(books: Books, given: Body, id: str) -> Body:
    """Other words about it."""
    product = books.find("product", id)
    if "metadata" in given:
        given["metadata"] = merged(product["metadata"], given["metadata"])
    fields = {name: unset(value) for name, value in given.items()}
    return books.change(product, "product.updated", updated=books.now, **fields)


lists(
    "/v1/prices",
    params.PriceListParams,
    "price",
    active="json_extract(body, '$.active') = ?",
    currency="json_extract(body, '$.currency') = ?",
    product="json_extract(body, '$.product') = ?",
    type="json_extract(body, '$.type') = ?",
    lookup_keys="json_extract(body, '$.lookup_key') in (?)",
)
reads("/v1/prices", params.PriceRetrieveParams, "price")


@route(
    "POST /v1/prices",
    params.PriceCreateParams,
    "currency unit_amount product product_data.name product_data.metadata recurring.interval "
    "recurring.interval_count recurring.usage_type lookup_key transfer_lookup_key nickname metadata active tax_behavior",
)
def create_price(books: Books, given: Body) -> Body:
    """How much, in which money, how often."""
    if "unit_amount" not in given:
        raise invalid("Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.", "unit_amount")
    if given["unit_amount"] < 0:
        raise invalid("Invalid non-negative integer", "unit_amount", "parameter_invalid_integer")
    if "product_data" in given:
        given["product"] = create_product(books, given.pop("product_data"))["id"]
    product = books.find("product", given.get("product"), "product")
    if not product["active"]:
        raise invalid("This price cannot be created because its product is inactive.", "product", "product_inactive")
    _take_key(books, given.get("lookup_key"), given.pop("transfer_lookup_key", False))
    if rhythm := given.get("recurring"):
        longest = {"day": 1095, "week": 156, "month": 36, "year": 3}[rhythm["interval"]]
        if not 1 <= rhythm.get("interval_count", 1) <= longest:
            raise invalid(f"`interval_count` must be between 1 and {longest}.", "recurring[interval_count]")
        given["recurring"] = {"interval_count": 1, "meter": None, "usage_type": "licensed"} | rhythm
        given["type"] = "recurring"
    given["metadata"] = merged({}, given.get("metadata"))
    price = books.make("price", unit_amount_decimal=str(given["unit_amount"]), **given)
    price["currency"] = given["currency"].lower()
    books.save(price)
    books.emit("price.created", price)
    return price


@route(
    "POST /v1/prices/:id",
    params.PriceUpdateParams,
    "active lookup_key transfer_lookup_key nickname metadata tax_behavior",
)
def update_price(books: Books, given: Body, id: str) -> Body:
    """What of a price may change: never the money."""
    price = books.find("price", id)
    if given.get("lookup_key") != price["lookup_key"]:
        _take_key(books, given.get("lookup_key"), given.pop("transfer_lookup_key", False))
    given.pop("transfer_lookup_key", None)
    if "metadata" in given:
        given["metadata"] = merged(price["metadata"], given["metadata"])
    return books.change(price, "price.updated", **{name: unset(value) for name, value in given.items()})


def _take_key(books: Books, key: str | None, transfer: bool) -> None:
    for holder in books.rows("price", "json_extract(body, '$.lookup_key') = ?", key) if key else []:
        if not transfer:
            raise invalid(f"A price (`{holder['id']}`) already uses that lookup key.", "lookup_key")
        books.change(holder, "price.updated", lookup_key=None)
