"""What Google says its two APIs are: methods, parameters, scopes and schemas, out of its own discovery documents.

`discovery.json` is an extract that `extract.py` makes. Nothing else in this package knows a field's name or type: what is asked
and what is answered are both held against it.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from portal.sandbox.meet.problems import ApiError, Json, bad_request

FILE = Path(__file__).with_name("discovery.json")
COMMON = ("alt", "fields", "key", "prettyPrint", "quotaUser")
"""Parameters of every method; the stand-in reads none of them."""
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "object": dict,
    "array": list,
}


class Call(NamedTuple):
    """A request that fits a method: its id, description, and what the path and the query say."""

    id: str
    method: Json
    path: dict[str, str]
    query: dict[str, str]


@cache
def document() -> Json:
    """The extract: `methods` by id, `schemas` by name, `revisions` of the documents."""
    read: Json = json.loads(FILE.read_text())
    return read


def find(http_method: str, path: str, query: dict[str, str]) -> Call:
    """The method a request is for. Raises 404 for an address Google does not have, 400 for a parameter it does not know."""
    for id, method in document()["methods"].items():
        if method["httpMethod"] == http_method and (match := _pattern(id).fullmatch(path.removeprefix("/"))):
            _check_query(method["parameters"], query)
            return Call(id, method, match.groupdict(), query)
    raise ApiError(404, "The requested URL was not found on this server.", "notFound", "NOT_FOUND")


@cache
def _pattern(id: str) -> re.Pattern[str]:
    method = document()["methods"][id]
    parts = re.split(r"\{\+?(\w+)\}", method["path"])
    for place in range(1, len(parts), 2):
        name = parts[place]
        form = method["parameters"][name].get("pattern", "[^/]+").strip("^$")
        parts[place] = f"(?P<{name}>{form})"
    parts[::2] = [re.escape(part) for part in parts[::2]]
    return re.compile("".join(parts))


def _check_query(parameters: Json, query: dict[str, str]) -> None:
    for name, value in query.items():
        parameter = parameters.get(name)
        if name in COMMON:
            continue
        if parameter is None or parameter["location"] != "query":
            raise bad_request(f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.')
        if parameter["type"] == "integer" and not value.isdecimal():
            raise bad_request(f'Invalid value at "{name}" (TYPE_INT32), "{value}"')
        if "enum" in parameter and value not in parameter["enum"]:
            raise bad_request(f'Invalid value at "{name}", "{value}"')


def check(schema: str, body: object, where: str = "") -> None:
    """Hold a body against a schema. Raises 400 for a field Google does not know or a value of another type."""
    _check(document()["schemas"][schema], body, where)


def _check(schema: Json, value: object, where: str) -> None:
    if "$ref" in schema:
        return check(schema["$ref"], value, where)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, TYPES[schema["type"]]) or (schema["type"] == "integer" and not is_number):
        raise bad_request(f"Invalid value at '{where or 'body'}' ({schema['type']})")
    if "enum" in schema and value not in schema["enum"]:
        raise bad_request(f"Invalid value at '{where}', \"{value}\"")
    if isinstance(value, list):
        for each in value:
            _check(schema["items"], each, where)
    if isinstance(value, dict):
        for name, part in value.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if known is None:
                place = f" at '{where}'" if where else ""
                raise bad_request(f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.')
            _check(known, part, f"{where}.{name}".strip("."))
    return None
