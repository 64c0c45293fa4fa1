"""What a request gives: the form read into values, checked against the parameter types the stripe package carries."""

import functools
import sys
import types
import typing
from typing import Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

from stripe._request_options import RequestOptions

from portal.sandbox.stripe.problems import ApiError, invalid
from portal.sandbox.stripe.shapes import Body


def read_form(text: str) -> Body:
    """`a[b][0]=c` as nested values."""
    root: Body = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = name.replace("]", "").split("[")
        at = root
        for step in path[:-1]:
            key = step or str(len(at))
            at = at.setdefault(key, {})
            if not isinstance(at, dict):
                raise invalid(f"Invalid parameter: {name}", name)
        at[path[-1] or str(len(at))] = value
    return root


def check(given: Body, model: object, known: str = "") -> Body:
    """The values in their types; unknown names refused, and names the stand-in cannot honour too."""
    values: Body = _typed(given, model, "")
    supported = {*known.split(), "expand"}
    for name in _names(values, ""):
        steps = name.split(".")
        if not any(".".join(steps[: n + 1]) in supported for n in range(len(steps))):
            raise invalid(f"The sandbox does not know how to honour `{name}`.", name, "sandbox_unsupported")
    return values


def _names(value: object, at: str) -> list[str]:
    if isinstance(value, dict) and value:
        return [name for key, inner in value.items() for name in _names(inner, f"{at}.{key}" if at else key)]
    if isinstance(value, list) and value:
        return [name for inner in value for name in _names(inner, at)]
    return [at] if at else []


@functools.cache
def _fields(model: object) -> dict[str, object]:
    own = {name: hint for name, hint in model.__annotations__.items() if name not in RequestOptions.__annotations__}
    return typing.get_type_hints(types.SimpleNamespace(__annotations__=own), vars(sys.modules[model.__module__]))


def _typed(value: Any, hint: Any, at: str) -> Any:  # hints of any type
    options = [hint]
    if get_origin(hint) in (Union, types.UnionType):
        options = list(get_args(hint))
    literals = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
    if value == "" and "" in literals:
        return ""
    for option in options:
        origin = get_origin(option)
        if isinstance(value, dict) and hasattr(option, "__required_keys__"):
            return _record(value, option, at)
        if isinstance(value, dict) and origin is dict:
            return value  # metadata: texts, an empty one takes its name away
        if isinstance(value, dict) and origin is list:
            rows = [value[key] for key in sorted(value, key=int)] if all(k.isdigit() for k in value) else []
            return [_typed(inner, get_args(option)[0], f"{at}[{n}]") for n, inner in enumerate(rows)]
    if value == "" and any(get_origin(option) is list or hasattr(option, "__required_keys__") for option in options):
        return [] if any(get_origin(option) is list for option in options) else ""
    if isinstance(value, dict):
        raise invalid(f"Invalid object: {at}", at)
    return _scalar(value, options, [word for word in literals if word != ""], at)


def _record(value: Body, model: object, at: str) -> Body:
    fields = _fields(model)
    for name in value:
        if name not in fields:
            full = f"{at}[{name}]" if at else name
            raise ApiError(400, f"Received unknown parameter: {full}", "parameter_unknown", full)
    for name in getattr(model, "__required_keys__", ()):
        if name in fields and name not in value:
            full = f"{at}[{name}]" if at else name
            raise ApiError(400, f"Missing required param: {full}.", "parameter_missing", full)
    return {name: _typed(inner, fields[name], f"{at}[{name}]" if at else name) for name, inner in value.items()}


def _scalar(value: str, options: list[object], words: list[object], at: str) -> object:
    if value in words:
        return value
    if bool in options:
        if value in ("true", "false"):
            return value == "true"
        if str not in options:
            raise invalid(f"Invalid boolean: {value}", at)
    for number in (int, float):
        if number in options:
            try:
                return number(value)
            except ValueError:
                code = "parameter_invalid_integer" if number is int else None
                raise invalid(f"Invalid integer: {value}", at, code) from None
    if words:
        raise invalid(f"Invalid {at}: must be one of {', '.join(map(str, words))}", at)
    if value == "":
        raise invalid(
            f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{at}' cannot be unset.",
            at,
            "parameter_invalid_empty",
        )
    return value


def merged(old: Body, new: Body | str | None) -> Body:
    """Metadata: what is named is set, what is empty goes, the rest stays; an empty whole clears it."""
    if new == "":
        return {}
    kept = {**old, **(new or {})} if not isinstance(new, str) else old
    return {name: value for name, value in kept.items() if value != ""}


def unset(value: Any) -> Any:  # JSON, of any shape
    """The empty string is how a form says nothing."""
    return None if value == "" else value
