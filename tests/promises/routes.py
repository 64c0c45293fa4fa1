"""The URL map as a list one can walk."""

from dataclasses import dataclass
from uuid import UUID

from flask import Flask

from portal.access import guard_of


@dataclass(frozen=True)
class Route:
    """One address with one method."""

    method: str
    rule: str
    path: str
    endpoint: str
    guard: str

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def routes_of(app: Flask, ids: dict[str, object]) -> list[Route]:
    """Every route with `ids` filled in; an id nobody named is one of nothing."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {name: ids.get(name, UUID(int=7)) for name in rule.arguments}
            _domain, path = rule.build(values) or ("", "")
            guard = guard_of(app.view_functions[rule.endpoint])
            found += [
                Route(method, rule.rule, path, rule.endpoint, guard)
                for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            ]
    return found
