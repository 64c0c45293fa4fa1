"""`make mutations`: takes one rule of the club away after the other, and asks whether its tests notice.

Each fault of `rules.py` is planted alone, in a copy of the tree or in the test database, and the tests named beside it
are run. First they run once without any: what fails then proves nothing.
`python -m tests.support.mutations WORD …` tries only rules with such a word.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from portal.config import ROOT
from tests.conftest import TEST_DATA
from tests.support import server
from tests.support.rules import RULES, Rule

COPY = ROOT / "var" / "mutations"
COPIED = (
    "portal",
    "templates",
    "static",
    "migrations",
    "tests",
    "pyproject.toml",
    "package.json",
    "wsgi.py",
    "Makefile",
    "README.md",
    "SECURITY.md",
)
LONGEST = 180
"""Seconds until a test that hangs is given up. That is no answer either way."""

# The statement that makes something in the database what it is; with the fault in it, something else.
STATEMENTS = {
    "function": "select pg_get_functiondef(%s::regproc)",
    "policy": """
        select format('alter policy %%I on %%I', policyname, tablename) || coalesce(' using (' || qual || ')', '')
               || coalesce(' with check (' || with_check || ')', '')
          from pg_policies where tablename || '.' || policyname = %s""",
    "constraint": """
        select format('alter table %%1$s drop constraint %%2$I, add constraint %%2$I %%3$s', conrelid::regclass, conname,
                      pg_get_constraintdef(oid))
          from pg_constraint where conrelid::regclass || '.' || conname = %s""",
    "table": """
        select format('alter table %%s %%s row level security', oid::regclass,
                      case when relforcerowsecurity then 'force' else 'no force' end)
          from pg_class where oid = %s::regclass""",
}


class RuleMovedError(Exception):
    """What a rule replaces is not there once any more: the list must follow."""


def main(words: list[str]) -> int:
    """Try the rules, print the table; 1 when a fault was missed, 2 when nothing could be tried."""
    chosen = [rule for rule in RULES if not words or any(word in rule.name for word in words)]
    missed = 0
    with server.shared(TEST_DATA) as url, server.new_database(url, TEST_DATA, "rules") as database:
        _copy_tree()
        print(f"{len(chosen)} rules; first their tests without any fault …", flush=True)
        if failed := _failed(dict.fromkeys(test for rule in chosen for test in rule.tests)):
            print(f"Without any fault, {failed} fails.")
            return 2
        print(f"{'Rule':<62} {'Fault':<62} Caught by")
        with database.connect(autocommit=True) as postgres:
            for rule in chosen:
                with _planted(rule, postgres) as environment:
                    caught = _failed(rule.tests, **environment)
                missed += caught is None
                print(f"{rule.name:<62} {_fault(rule):<62} {caught or 'MISSED'}", flush=True)
    print(f"{missed} of {len(chosen)} missed." if missed else "Every fault was noticed.")
    return 1 if missed else 0


def _copy_tree() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, COPY / name)
    (COPY / "var").symlink_to(ROOT / "var")


@contextmanager
def _planted(rule: Rule, postgres: psycopg.Connection) -> Iterator[dict[str, str]]:
    """The fault is there; what the tests' environment must say of it. Raises RuleMovedError."""
    if rule.where.partition(" ")[0] in STATEMENTS:
        statement = COPY / "fault.sql"
        statement.write_text(with_fault(rule, postgres))
        yield {"AFTER_MIGRATING": str(statement)}
    else:
        file = COPY / rule.where
        file.write_text(with_fault(rule, postgres))
        yield {}
        shutil.copy2(ROOT / rule.where, file)


def with_fault(rule: Rule, postgres: psycopg.Connection) -> str:
    """The file, or the statement, with the fault in it. Raises RuleMovedError."""
    kind, _, name = rule.where.partition(" ")
    if kind in STATEMENTS:
        found = postgres.execute(STATEMENTS[kind].encode(), [name]).fetchone()
        text = found[0] if found else ""
    else:
        text = (ROOT / rule.where).read_text()
    if text.count(rule.was) != 1:
        raise RuleMovedError(f"{rule.name}: {rule.where} has {text.count(rule.was)} of {rule.was!r}")
    return text.replace(rule.was, rule.becomes)


def _failed(tests: Iterable[str], **environment: str) -> str | None:
    """The first of these tests that fails; None if all pass. Only a test that failed has noticed anything."""
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-rfE",
            "--tb=line",
            "-p",
            "no:cacheprovider",
            "-o",
            "addopts=--import-mode=importlib",
            *(f"tests/{test}" for test in tests),
        ],
        cwd=COPY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST * (1 if environment else 9),
    )
    found = re.search(r"^FAILED tests/(.+?)( - .*)?$", run.stdout, re.M)
    if run.returncode == 0:
        return None
    if run.returncode != 1 or found is None:
        raise RuntimeError(f"The tests did not run:\n{run.stdout}{run.stderr}")
    return found[1]


def _fault(rule: Rule) -> str:
    where = Path(rule.where).name if "/" in rule.where else rule.where.partition(" ")[2].removeprefix("public.")
    return f"{where}: {' '.join(rule.becomes.split()) or 'gone'}"[:62]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
