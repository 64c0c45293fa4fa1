"""The rooms of the code stand on floors: each may use what is below it, never what is above or beside it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import jobs
from portal.config import ROOT

FLOORS = (
    ("__main__", "asgi", "models"),
    ("__init__",),
    ("cli",),
    ("rehearsal",),
    ("sandbox",),
    ("admin", "public"),
    ("moving",),
    ("operations",),
    ("notifications",),
    ("calendar",),
    ("attendance",),
    ("rooms",),
    ("meetings",),
    ("families",),
    ("billing",),
    ("accounts",),
    ("mail", "live", "assets", "errors", "club"),
    ("jobs",),
    ("audit",),
    ("access", "limits", "forms"),
    ("web",),
    ("fast", "headers", "viewer", "arguments", "csrf", "proxies"),
    ("log",),
    ("database",),
    ("config",),
    ("setting_values",),
    ("times", "paging", "reference", "currencies", "writing", "rsvp_states"),
    ("clock", "problems", "sentences"),
)
FLOOR = {room: len(FLOORS) - number for number, rooms in enumerate(FLOORS) for room in rooms}

MORE_RULES = (
    "attendance/guests.py",
    "attendance/presence.py",
    "attendance/rsvp.py",
    "meetings/waitlist.py",
    "accounts/address.py",
    "accounts/closing.py",
    "accounts/copy.py",
    "accounts/second_factor.py",
    "calendar/feeds.py",
    "families/joining.py",
    "families/leaving.py",
    "families/transfer.py",
)
"""Where a room's verbs stand besides its actions.py."""

KNOWN = {
    # A command makes the app that offers it; a restored copy is signed in to, and the demo's people act, through apps of
    # their own.
    ("portal/cli.py", "__init__"),
    ("portal/operations/proof.py", "__init__"),
    ("portal/rehearsal/__main__.py", "__init__"),
    ("portal/rehearsal/month.py", "__init__"),
    ("portal/sandbox/club.py", "__init__"),
    ("portal/sandbox/jobs.py", "__init__"),
    # What moves out is every table there is.
    ("portal/moving/export.py", "models"),
}


def imports(path: Path) -> Iterator[str]:
    """The rooms a file uses, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("portal."):
                room = name.split(".")[1]
                yield "__init__" if room == "create_app" else room


def room_of(path: Path) -> str:
    """The room a file is in."""
    inside = path.relative_to(ROOT / "portal").parts
    return inside[0].removesuffix(".py")


def climbs() -> set[tuple[str, str]]:
    """Every import that does not lead down: (file, room)."""
    return {
        (str(path.relative_to(ROOT)), used)
        for path in (ROOT / "portal").rglob("*.py")
        for used in imports(path)
        if used != room_of(path) and FLOOR[used] >= FLOOR[room_of(path)]
    }


def test_every_room_has_its_floor():
    assert {room_of(path) for path in (ROOT / "portal").rglob("*.py")} == set(FLOOR)


def test_rooms_use_only_what_is_below_them():
    assert climbs() - KNOWN == set()


def test_the_known_exceptions_are_still_there():
    assert KNOWN - climbs() == set(), "one was mended: take it off the list"


def test_no_job_is_named_but_where_it_stands():
    """What is not imported is used by its name: a job's in a text, or a module's (only `jobs.load` knows them all)."""
    jobs.load(sandbox=True)
    names = {name for name in jobs.queue.tasks if name.partition(".")[0] in FLOOR}
    for path in (ROOT / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                named = {name for name in names if name.startswith(node.value)}
                assert {f"{name.partition('.')[0]}/jobs.py" for name in named} <= {
                    str(path.relative_to(ROOT / "portal"))
                }, path
            elif isinstance(node, ast.Name | ast.Attribute | ast.alias):
                word = (
                    node.id
                    if isinstance(node, ast.Name)
                    else node.attr
                    if isinstance(node, ast.Attribute)
                    else node.name
                )
                assert (
                    word not in ("import_module", "__import__", "importlib") or path == ROOT / "portal/jobs/__init__.py"
                ), path


@pytest.mark.parametrize("foreign", ["flask", "werkzeug", "wtforms", "flask_login"])
def test_rules_know_nothing_of_requests(foreign):
    for path in [*(ROOT / "portal").glob("*/actions.py"), *(ROOT / "portal" / name for name in MORE_RULES)]:
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == foreign
            for alias in node.names
        }
        assert names <= {"current_app"}, path
