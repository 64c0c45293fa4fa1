"""What each trick of the fast path saves: the list of meetings drawn in one process, with the trick and without.

    python -m tests.bench.tricks [--requests 300]

Processor time of this process alone (the database's is the same either way), both ways in turn in many short rounds, so
that whatever else the machine does disturbs both alike. What saves under 5 % of the page goes.
"""

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import psycopg
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from jinja2 import Environment

from portal import fast
from portal.database import embedded
from portal.database.driver import Driver, Statement
from portal.meetings import board
from tests.bench.pages import SMALL, club_of
from tests.bench.serve import Club

ROUNDS = 30


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=600)
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder, embedded.serve(Path(folder) / "pg") as server:
        club = club_of(server, SMALL)
        for name, without in tricks(club.app).items():
            with_it, without_it = compared(club, without, wanted.requests // ROUNDS)
            saved = without_it - with_it
            print(f"{name:<48}{saved:6.0f} µs of {without_it:5.0f}, {saved / without_it:6.1%}", flush=True)


def tricks(app: Flask) -> Mapping[str, Callable[[], AbstractContextManager[object]]]:
    """Each by what it does, and how the page is drawn without it."""
    return {
        "nothing, for comparison": contextlib.nullcontext,
        "statements prepared once and asked by libpq": lambda: mock.patch.object(Driver, "ask", by_cursor),
        "a cookie's signature checked once an hour": lambda: mock.patch.object(
            app, "session_interface", SecureCookieSessionInterface()
        ),
        "one dictionary for all templates": lambda: own_globals(app),
        "a form's token signed once a session": lambda: mock.patch.object(  # noqa: PT008 - it depends on the session
            fast, "_signed", lambda _secret, _known: str(generate_csrf())
        ),
        "pieces drawn once for whoever sees the same": lambda: mock.patch.object(
            fast, "_cached_fragment", fast._cached_fragment.__wrapped__
        ),
        "an instant read once on a zone's clocks": lambda: mock.patch.object(
            board, "reading", board.reading.__wrapped__
        ),
    }


def by_cursor(self: Driver, statement: Statement[Any], params: Mapping[str, object]) -> list[Any]:
    """A statement as psycopg's own cursor asks it, prepared by its own hand."""

    def rows(cursor: psycopg.Cursor[Any]) -> Callable[[Any], Any]:
        return statement.shape.make if statement.shape else tuple

    cursor = psycopg.RawCursor(self, row_factory=rows)
    cursor.execute(statement.sql, [params[name] for name in statement.names], prepare=True)
    return cursor.fetchall() if statement.shape else []


@contextlib.contextmanager
def own_globals(app: Flask) -> Iterator[None]:
    """Templates as Jinja makes them, each with a chain of names of its own."""
    environment = app.jinja_env
    assert environment.cache is not None
    environment.cache.clear()
    with mock.patch.object(type(environment), "make_globals", Environment.make_globals):
        yield
    environment.cache.clear()


def compared(club: Club, without: Callable[[], AbstractContextManager[object]], requests: int) -> tuple[float, float]:
    """Microseconds of processor time a page, with and without: the medians of the rounds."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/meetings",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "HTTP_COOKIE": club.cookie(club.member_key)["Cookie"],
    }

    def cost() -> float:
        ask(club.app, environ)
        began = time.process_time()
        for _ in range(requests):
            ask(club.app, environ)
        return (time.process_time() - began) / requests * 1e6

    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        found[0].append(cost())
        with without():
            found[1].append(cost())
    return statistics.median(found[0]), statistics.median(found[1])


def ask(app: Flask, environ: Mapping[str, object]) -> None:
    """One page, read to its end."""
    statuses: list[str] = []
    answer = app.wsgi_app(dict(environ), lambda status, _headers, _info=None: statuses.append(status))
    b"".join(answer)
    answer.close()  # type: ignore[attr-defined]
    assert statuses == ["200 OK"], statuses


if __name__ == "__main__":
    main()
