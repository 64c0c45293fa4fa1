"""Statements that are asked for ever: SQLAlchemy writes one once, the driver asks it."""

from typing import Any

from sqlalchemy import Select, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session

from portal.database.driver import Statement, ask
from portal.database.identity import opened


class Question:
    """One statement, ready to be asked in anybody's transaction. Its rows are named tuples."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | TextClause) -> None:
        compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
        self._statement = Statement(compiled.string.encode())
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    def rows(self, db: Session, **given: Any) -> list[Any]:
        """Every row there is."""
        return ask(opened(db), self._statement, self._constants | given)

    def row(self, db: Session, **given: Any) -> Any:
        """The first row there is, or None."""
        rows = self.rows(db, **given)
        return rows[0] if rows else None

    def do(self, db: Session, **given: Any) -> None:
        """For a statement without rows."""
        ask(opened(db), self._statement, self._constants | given)
