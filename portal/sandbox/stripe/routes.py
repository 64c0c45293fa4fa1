"""Which request is answered by which function: each says its path, its parameter type and what of it it honours."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import check
from portal.sandbox.stripe.problems import ApiError, invalid
from portal.sandbox.stripe.shapes import Body, listed, shown

Handler = Callable[..., Body]


@dataclass(frozen=True)
class Route:
    """One request the stand-in understands."""

    method: str
    path: re.Pattern[str]
    model: object
    known: str
    handler: Handler


ROUTES: list[Route] = []


def route(what: str, model: object, known: str = "") -> Callable[[Handler], Handler]:
    """The function that answers `what` ("POST /v1/customers/:id"); it is given the checked values and the ids."""
    method, path = what.split()

    def keep(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r":\w+", r"([^/]+)", path) + "$")
        # Plain paths first, or `create_preview` would be taken for an id.
        ROUTES.insert(len(ROUTES) if ":" in path else 0, Route(method, pattern, model, known, handler))
        return handler

    return keep


def answer(books: Books, method: str, path: str, given: Body) -> Body:
    """The object that answers this request."""
    for each in ROUTES:
        if each.method == method and (found := each.path.match(path)):
            values = check(given, each.model, each.known)
            expand = values.pop("expand", [])
            return expanded(books, each.handler(books, values, *found.groups()), expand, path)
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}).", "url_invalid")


def lists(path: str, model: object, kind: str, also: str = "", **filters: str) -> None:
    """A list of objects of a kind, with pages and these filters (each an SQL condition on the object)."""

    @route(f"GET {path}", model, f"limit starting_after ending_before created {also} {' '.join(filters)}")
    def show(books: Books, given: Body, *_ids: str) -> Body:
        conditions, values = ["1"], []
        for name, condition in filters.items():
            if name in given:
                value = given[name]
                if isinstance(value, dict):  # payment[type]=payment_intent & payment[payment_intent]=pi_…
                    value = value.get(value.get("type"))
                if isinstance(value, list):
                    condition = condition.replace("?", ",".join("?" * len(value)))
                conditions.append(condition)
                values += value if isinstance(value, list) else [value]
        return page(books, kind, given, path, " and ".join(conditions), values)


def reads(path: str, model: object, kind: str) -> None:
    """One object by its id."""

    @route(f"GET {path}/:id", model)
    def show(books: Books, _given: Body, id: str) -> Body:
        return books.find(kind, id)


_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(books: Books, kind: str, given: Body, path: str, where: str = "1", values: list[object] | None = None) -> Body:
    """One page, newest first, of what the conditions leave."""
    values = list(values or [])
    created = given.get("created")
    for word, value in (created if isinstance(created, dict) else {"is": created} if created else {}).items():
        where += f" and created {_ORDER.get(word, '=')} ?"
        values.append(value)
    limit = int(given.get("limit", 10))
    if not 1 <= limit <= 100:
        raise invalid(f"This value must be between 1 and 100 (inclusive): {limit}.", "limit")
    order = "asc" if "ending_before" in given else "desc"
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in given:
            found = books.db.execute("select seq from objects where id = ?", (given[name],)).fetchone()
            if found is None:
                raise invalid(f"No such {kind}: '{given[name]}'", name, "resource_missing")
            where += f" and seq {sign} ?"
            values.append(found["seq"])
    where += " and json_extract(body, '$.deleted') is null"
    found = books.rows(kind, where, *values, order=order, limit=limit + 1)
    data = found[:limit]
    return listed(data[::-1] if order == "asc" else data, path, len(found) > limit)


# -- expanding -----------------------------------------------------------------------------------------------------
HIDDEN: dict[tuple[str, str], Callable[[Books, Body], object]] = {}  # what is only there when asked for


def only_when_asked(
    kind: str, field: str
) -> Callable[[Callable[[Books, Body], object]], Callable[[Books, Body], object]]:
    """A field that stays away until a request expands it."""

    def keep(maker: Callable[[Books, Body], object]) -> Callable[[Books, Body], object]:
        HIDDEN[kind, field] = maker
        return maker

    return keep


def expanded(books: Books, body: Body, paths: list[str], url: str) -> Body:
    """A copy of the answer with the objects the request asked to see in place of their ids."""
    copy = shown(body)
    if copy["object"] == "list":
        copy |= {"data": [shown(each) for each in body["data"]], "url": url}
    for path in paths:
        steps = path.split(".")
        if len([step for step in steps if step != "data"]) > 4:
            raise invalid(f"You cannot expand more than 4 levels of a property: {path}", "expand")
        _expand(books, copy, steps, path)
    return copy


def _expand(books: Books, at: object, steps: list[str], path: str) -> None:
    if isinstance(at, list):
        for each in at:
            _expand(books, each, steps, path)
        return
    if (
        not steps or at is None or (isinstance(at, dict) and at.get("deleted"))
    ):  # of what was deleted nothing more is known
        return
    if not isinstance(at, dict):
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    name, rest = steps[0], steps[1:]
    if (at.get("object"), name) in HIDDEN and name not in at:
        value = HIDDEN[at["object"], name](books, at)
        at[name] = shown(value) if isinstance(value, dict) else value
    if name not in at:
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    if isinstance(at[name], str):
        inner = books.get(at[name])
        if inner is None:
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        at[name] = shown(inner)
    elif isinstance(at[name], list) and all(isinstance(each, str) for each in at[name]) and at[name]:
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    _expand(books, at[name], rest, path)
