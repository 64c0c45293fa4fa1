"""Rows have types: each query declares its row once, as a NamedTuple or with `row_type`, and mypy knows its columns from there on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar, dataclass_transform

from sqlalchemy import Result

R = TypeVar("R")


class WrongColumns(TypeError):  # noqa: N818 - as Refused, it says what is so
    """A statement has other columns than the type of its rows."""


@dataclass_transform(frozen_default=True)
def row_type(cls: type[R]) -> type[R]:
    """A row that others extend, which a NamedTuple cannot be. Frozen to mypy alone: really frozen ones take thrice as long to make."""
    return dataclass(slots=True)(cls)


class Shape(Generic[R]):
    """The type of a row: its columns, and how one is made of what the database answers."""

    def __init__(self, row: type[R]) -> None:
        self.name = row.__name__
        self.columns: tuple[str, ...]
        self.make: Callable[[Sequence[Any]], R]  # the values are whatever the columns hold
        if is_dataclass(row):
            self.columns = tuple(field.name for field in fields(row))
            self.make = lambda values: row(*values)
        else:
            self.columns, self.make = row._fields, row._make  # type: ignore[attr-defined]

    def check(self, columns: Iterable[str]) -> None:
        """Raise WrongColumns unless these are its columns, in their order."""
        columns_found = tuple(columns)
        if columns_found != self.columns:
            raise WrongColumns(f"{self.name} has {self.columns}, the statement {columns_found}")


def typed(row: type[R], answer: "Result[*tuple[Any, ...]]") -> list[R]:
    """The rows of a statement that was put together for this request. Raises WrongColumns."""
    shape = Shape(row)
    shape.check(answer.keys())
    return [shape.make(values) for values in answer]
