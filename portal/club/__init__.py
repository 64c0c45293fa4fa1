"""The club's own words and rules: one row that admins change, and every process follows.

The first start makes the row from the environment; from then on the row goes before it. Every transaction's first
statement brings along when the row last changed (`portal.database.identity`). A process that knows an older one reads the
row and puts other `Settings` in the place of those it had: nobody restarts, and no page asks one statement more. A process
that answers visitors alone, with pages that ask nothing, begins a transaction every few seconds.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from time import monotonic
from typing import Any, NamedTuple

import psycopg
from flask import Flask, current_app, request, session
from psycopg.types.json import Jsonb
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from portal.config import Settings
from portal.database import db
from portal.database.driver import Statement, ask
from portal.database.identity import opened
from portal.fast import forget_fragments
from portal.web import club_on_pages


class Row(NamedTuple):
    """The club's row: when it changed, and what stands in place of the settings of the same names."""

    changed_at: datetime
    club_name: str
    help_email: str
    club_address: str
    club_domains: list[str]
    club_timezone: str
    default_meeting_time: time
    doors_minutes: int
    welcome_days: int
    grace_days: int
    tax_words: str
    front_title: str
    front_text: str
    front_picture: str | None
    front_picture_alt: str
    privacy_text: str
    terms_text: str
    accent_light: str
    accent_dark: str


FROM_ENVIRONMENT = (
    "club_name",
    "help_email",
    "club_address",
    "club_domains",
    "club_timezone",
    "default_meeting_time",
    "doors_minutes",
    "welcome_days",
    "grace_days",
)
"""What the first start takes from the environment; the other words a club writes itself."""

PATIENCE = 5.0
"""Seconds a process may show visitors what it knows without asking."""

ROW = f"select {', '.join(Row._fields)} from public.club"  # noqa: S608 - names of ours
_ROW = Statement(ROW.encode(), Row)


class Follower:
    """What one process knows of the row. `changed_at` is None as long as there is none, and the environment holds."""

    def __init__(self, app: Flask) -> None:
        self.changed_at: datetime | None = None
        self.checked = 0.0  # by the process's own clock; every transaction checks
        self._app = app
        self._environment: Settings = app.config["SETTINGS"]

    def notice(self) -> None:
        """Before a page for a visitor, who may ask the database nothing at all: begin a transaction if none began lately.

        Without a database, pages that need none are served all the same.
        """
        view = current_app.view_functions.get(request.endpoint or "")
        if view is None or monotonic() < self.checked + PATIENCE or "_user_id" in session:
            return
        self.checked = monotonic()
        try:
            opened(db.session())
        except SQLAlchemyError:
            db.session.rollback()

    def follow(self, connection: Connection) -> None:
        """Read the row and put what it says into the settings of the process. Two threads may do it at once."""
        self.take(next(iter(ask(connection, _ROW, {})), None))

    def take(self, row: Row | None) -> None:
        """Go by this row from now on; None: by the environment."""
        settings = replace(self._environment, **values(row)) if row else self._environment
        self._app.config["SETTINGS"] = settings
        pages = self._app.jinja_env.globals["club"]
        pages.update(club_on_pages(settings))  # type: ignore[attr-defined]  # the dictionary that templates keep
        forget_fragments()
        self.changed_at = row.changed_at if row else None


def values(row: Row) -> dict[str, Any]:  # each of the type of its setting
    """The row as attributes of `Settings`."""
    fields = row._asdict()
    del fields["changed_at"]
    return {**fields, "club_domains": tuple(row.club_domains), "front_picture": row.front_picture or ""}


def init_app(app: Flask) -> None:
    """Have `app` follow the row."""
    follower = app.extensions["club"] = Follower(app)
    app.before_request(follower.notice)


def first_start(connection: psycopg.Connection, settings: Settings) -> None:
    """Make the row from the environment, unless there is one."""
    row = {name: getattr(settings, name) for name in FROM_ENVIRONMENT}
    row["default_meeting_time"] = settings.default_meeting_time.isoformat()
    row["club_domains"] = list(settings.club_domains)
    with connection.transaction():
        connection.execute("select first_club(%s)", [Jsonb(row)])


def differences(connection: psycopg.Connection, settings: Settings) -> Mapping[str, tuple[object, object]]:
    """By the attribute of a setting: what `settings` say, and what the row says instead."""
    with connection.cursor(row_factory=psycopg.rows.class_row(Row)) as cursor:
        row = cursor.execute(ROW.encode()).fetchone()
    stands = values(row) if row else {}
    both = {name: (getattr(settings, name), stands[name]) for name in FROM_ENVIRONMENT if name in stands}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
