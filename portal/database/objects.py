"""The database's functions, triggers, views, policies and grants: one file each, `portal/<package>/sql/<name>.sql`.

A revision makes tables, columns, constraints and data, and the few functions a table's own definition needs. Everything
else has its one current text in a file. Whenever one of the files has changed, all objects are dropped and made anew
from the files, in the transaction of the last revision: a signature or a result may change by an edit. What was made is
remembered in `database_objects`, so that an unchanged database is left alone, an object without a file goes, and
nothing that belongs to anybody else is ever dropped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text

from portal.config import PACKAGE

ROLES = "portal_anonymous, portal_member, portal_admin, portal_web, portal_worker, portal_definer"

_MADE = re.compile(
    r"^create (?:(function|view) ([\w.]+)|(policy) (\w+) on ([\w.]+)|(?:constraint )?(trigger) (\w+) .*? on ([\w.]+))",
    re.MULTILINE,
)
_GRANTED = re.compile(r"^grant [^;]*? on (?!function )((?:sequence )?[\w.]+) to ", re.MULTILINE)
_KINDS = ("function", "view", "policy")


@dataclass(frozen=True)
class ObjectFile:
    """One file: its path below `portal/`, and its text."""

    path: str
    text: str

    @property
    def digest(self) -> str:
        """What tells one text from another."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def kind(self) -> str:
        """function, view or policy: what it makes first."""
        first = _MADE.search(self.text)
        return (first[1] or first[3] or "function") if first else "policy"

    @property
    def undo(self) -> str:
        """The statements that take back what it makes."""
        return " ".join([*self._revoked(), *reversed(list(self._dropped()))])

    def _dropped(self) -> Iterator[str]:
        for kind, name, policy, policy_name, on, trigger, trigger_name, at in _MADE.findall(self.text):
            if kind:
                yield f"drop {kind} if exists {name};"
            else:
                yield f"drop {policy or trigger} if exists {policy_name or trigger_name} on {on or at};"

    def _revoked(self) -> Iterator[str]:
        if self.kind == "policy":
            for target in dict.fromkeys(_GRANTED.findall(self.text)):
                yield f"revoke all on {target} from {ROLES};"


def files(root: Path = PACKAGE) -> list[ObjectFile]:
    """Every file, in the order in which they can be made."""
    found = [ObjectFile(path.relative_to(root).as_posix(), path.read_text()) for path in root.glob("*/sql/*.sql")]
    return sorted(found, key=lambda file: (_KINDS.index(file.kind), file.path))


def changed(connection: Connection) -> bool:
    """Whether the database was made from other files than these."""
    if not _remembers(connection):
        return True
    remembered = connection.execute(text("select path, digest from database_objects"))
    return {row.path: row.digest for row in remembered} != {file.path: file.digest for file in files()}


def drop(connection: Connection) -> None:
    """Drop what the files made, as it was remembered."""
    if _remembers(connection):
        for (undo,) in connection.execute(text("select undo from database_objects order by position desc")).all():
            _run(connection, undo)
        connection.execute(text("delete from database_objects"))


def create(connection: Connection) -> None:
    """Make everything that has a file, and remember it."""
    # Functions name each other, whichever comes first.
    connection.execute(text("set local check_function_bodies = off"))
    remember = text(
        "insert into database_objects (path, position, digest, undo) values (:path, :position, :digest, :undo)"
    )
    for position, file in enumerate(files()):
        _run(connection, file.text)
        connection.execute(
            remember, {"path": file.path, "position": position, "digest": file.digest, "undo": file.undo}
        )
    connection.execute(text("set local check_function_bodies = on"))


def _remembers(connection: Connection) -> bool:
    return bool(connection.execute(text("select to_regclass('public.database_objects') is not null")).scalar())


def _run(connection: Connection, statements: str) -> None:
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})  # exactly as written
