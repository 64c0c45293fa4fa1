"""Which jobs and events the files of the portal use, by the objects their names stand for."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from portal import jobs
from portal.config import ROOT
from portal.jobs import Event, Job


def sources() -> list[Path]:
    """The portal's files."""
    return sorted((ROOT / "portal").rglob("*.py"))


def handed_in(path: Path) -> set[Job[...]]:
    """The jobs a file puts into the queue, by themselves or by the events they follow from."""
    jobs.load()
    found: set[Job[...]] = set()
    for _node, used in uses(path):
        found |= {used} if isinstance(used, Job) else set(used.subscribers)
    return found


def uses(path: Path) -> Iterator[tuple[ast.expr, Any]]:
    """Every mention of a job or event in a file that imports it, and the object."""
    tree = ast.parse(path.read_text())
    known = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            meant = known.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            meant = getattr(known.get(node.value.id), node.attr, None)
        else:
            continue
        if isinstance(meant, Job | Event):
            yield node, meant


def _imported(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    """What stands for what of the modules `jobs` and `events` of the packages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("portal"):
            for alias in node.names:
                name, kind = alias.asname or alias.name, {alias.name, (node.module or "").rpartition(".")[2]}
                if kind & {"jobs", "events"}:
                    module = import_module(str(node.module))
                    yield name, getattr(module, alias.name, None) or import_module(f"{node.module}.{alias.name}")
