"""The portal and its bare counterpart, served side by side, and who asks them."""

import contextlib
import http.client
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import psutil
import psycopg
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from portal import clock, create_app
from portal.accounts.member import key_hash, new_key
from portal.config import ROOT
from portal.operations.demo import mark_demo
from tests.bench.measure import Page
from tests.support.server import Database
from tests.support.web import PROVED, SECRET, settings_for

FLAGS = [
    "--interface",
    "wsgi",
    "--blocking-threads",
    "2",
    "--http",
    "1",
    "--no-ws",
    "--log-level",
    "warning",
    "--workers-kill-timeout",
    "3s",
]
RAW_TOKEN = "0" * 40


class Club:
    """A seeded club, with a member and an admin from its middle who are signed in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.app: Flask = create_app(settings_for(database))
        mark_demo(settings_for(database))
        with database.connect(autocommit=True) as postgres:
            member, admin = postgres.execute(
                "select id from users order by id offset (select count(*) / 2 from users) limit 2"
            ).fetchall()
            postgres.execute("update users set is_admin = true where id = %s", admin)
            postgres.execute("delete from sign_ins where device = 'bench'")
            self.person = str(member[0])
            self.member_key, self.admin_key = (self._sign_in(postgres, who[0]) for who in (member, admin))
            ids = postgres.execute(
                "select id from meetings where starts_at > now() order by starts_at limit 2"
            ).fetchall()
            self.meeting = str(ids[-1][0])

    def cookie(self, key: str) -> dict[str, str]:
        """What a browser with this sign-in sends."""
        serializer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        assert serializer is not None
        value = serializer.dumps({"_user_id": key, "_fresh": True, "csrf_token": RAW_TOKEN})
        return {"Cookie": f"{self.app.config['SESSION_COOKIE_NAME']}={value}"}

    @staticmethod
    def _sign_in(postgres: psycopg.Connection, person: object) -> str:
        key = new_key()
        postgres.execute("select auth.open_sign_in(%s, %s, 'bench', null)", [person, key_hash(key)])
        postgres.execute(PROVED, [clock.now(), key_hash(key)])
        return key


@dataclass
class Served:
    """A running server over a club."""

    club: Club
    process: psutil.Process
    port: int

    def page(self, path: str, key: str) -> Page:
        """A page as somebody asks for it."""
        return Page(self, path, self.club.cookie(key))

    def pages(self) -> dict[str, Page]:
        """Every page a member lives on, and the admin's lists."""
        paths = {
            "meetings": "/meetings",
            "one meeting": f"/meetings/{self.club.meeting}",
            "past": "/meetings/past",
            "orders": "/orders",
            "account": "/account",
            "family": "/family",
            "calendar": f"/meetings/{self.club.meeting}.ics",
        }
        restricted = {
            "admin today": "/admin",
            "admin people": "/admin/people",
            "admin search": "/admin/people?q=member77",
            "admin meetings": "/admin/meetings",
        }
        return {name: self.page(path, self.club.member_key) for name, path in paths.items()} | {
            name: self.page(path, self.club.admin_key) for name, path in restricted.items()
        }

    def answer(self) -> Page:
        """Yes and no in turn, as the page's form sends it."""
        token = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps(RAW_TOKEN)
        said = itertools.cycle(("accepted", "declined"))
        headers = {**self.club.cookie(self.club.member_key), "Content-Type": "application/x-www-form-urlencoded"}
        return Page(
            self,
            f"/meetings/{self.club.meeting}/answer",
            headers,
            body=lambda: urlencode({"csrf_token": token, "answer": next(said)}),
            expected=303,
        )


@contextlib.contextmanager
def portal(club: Club, port: int, workers: int = 1, **settings: str) -> Iterator[Served]:
    """The portal over a club."""
    with _granian(club, "wsgi:application", port, settings, workers) as process:
        yield Served(club, process, port)


@contextlib.contextmanager
def bare(club: Club, port: int) -> Iterator[Served]:
    """The bare page over the same club, for its member."""
    known = {"BARE_DATABASE_URL": club.database.url(), "BARE_PERSON": club.person, "BARE_ZONE": "Europe/Istanbul"}
    with _granian(club, "tests.bench.bare:application", port, known) as process:
        yield Served(club, process, port)


def environment_of(club: Club) -> dict[str, str]:
    """The settings of a server over this club."""
    database = club.database
    return {
        "DATABASE_URL": database.url("portal_web"),
        "SECRET_KEY": SECRET,
        "ROOM_KEY": SECRET,
        "SANDBOX": "1",
        "WORKER_DATABASE_URL": database.url("portal_worker"),
        "OWNER_DATABASE_URL": database.url("portal_owner"),
    }


@contextlib.contextmanager
def _granian(club: Club, target: str, port: int, extra: dict[str, str], workers: int = 1) -> Iterator[psutil.Process]:
    environment = {**os.environ, **environment_of(club), **extra}
    command = [sys.executable, "-m", "granian", *FLAGS, "--workers", str(workers), "--port", str(port), target]
    child = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        for _try in range(1200):
            with contextlib.suppress(OSError):
                http.client.HTTPConnection("127.0.0.1", port, timeout=2).connect()
                break
            time.sleep(0.1)
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait()
