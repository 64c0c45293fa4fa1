"""What a request says: query parameters, ids in forms, and the field at which a refusal is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from flask import abort, request
from wtforms import Field

from portal.database import db
from portal.problems import Refused


def query_arg(name: str, most: int = 100) -> str:
    """What the address asks for under this name, as one line of at most so many characters; empty if nothing.

    A NUL is left out: no database can be asked for one.
    """
    return " ".join(request.args.get(name, "").replace("\x00", "").split())[:most]


def form_uuid(name: str) -> UUID:
    """The id a form chose under this name, or 422."""
    return id_in(request.form.get(name, "")) or abort(422)


def id_in(value: str) -> UUID | None:
    """The id that is written there, or None for anything else."""
    try:
        return UUID(value)
    except ValueError:
        return None


@contextmanager
def field_refusal(field: Field) -> Iterator[None]:
    """What is refused inside is told at this field of a form, and nothing was changed."""
    try:
        yield
    except Refused as refusal:
        db.session.rollback()
        field.errors = [refusal.sentence]
