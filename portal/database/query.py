"""Queries that are asked for ever: SQLAlchemy writes one once, the driver asks it, and its rows have a type."""

from typing import Any, Generic

from sqlalchemy import CompoundSelect, Select, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session

from portal.database.driver import Statement, ask
from portal.database.identity import opened
from portal.database.rows import R

_POSTGRESQL = PGDialect_psycopg()  # type: ignore[no-untyped-call]

AnySelect = Select[*tuple[Any, ...]]
"""What it gives is said by the type of the row."""
AnyRows = AnySelect | CompoundSelect[*tuple[Any, ...]]
"""Of one select, or of several put together."""
Written = AnySelect | TextClause


class _Asked(Generic[R]):
    """One statement, ready to be asked in anybody's transaction."""

    def __init__(self, statement: Written, row: type[R] | None) -> None:
        compiled = statement.compile(dialect=_POSTGRESQL)
        written = compiled.construct_expanded_state(compiled.params)  # each of a list after IN has a place of its own
        self._statement = Statement(written.statement.encode(), row)
        self._constants = {name: value for name, value in written.parameters.items() if value is not None}

    def _ask(self, db: Session, params: dict[str, object]) -> list[R]:
        return ask(opened(db), self._statement, self._constants | params)


class Query(_Asked[R]):
    """A statement whose rows are of one type.

    The type has the statement's columns by name, in their order; the first answer is compared with it, and WrongColumns
    raised if it has others.
    """

    def __init__(self, row: type[R], statement: Written) -> None:
        super().__init__(statement, row)

    def all(self, db: Session, **params: object) -> list[R]:
        """Every row."""
        return self._ask(db, params)

    def one(self, db: Session, **params: object) -> R:
        """The row of what always answers with one. Raises ValueError."""
        (row,) = self._ask(db, params)
        return row

    def one_or_none(self, db: Session, **params: object) -> R | None:
        """The first row there is, or None."""
        rows = self._ask(db, params)
        return rows[0] if rows else None


class Command(_Asked[None]):
    """A statement whose rows, if it has any, say nothing."""

    def __init__(self, statement: Written) -> None:
        super().__init__(statement, None)

    def do(self, db: Session, **params: object) -> None:
        """Execute the statement."""
        self._ask(db, params)
