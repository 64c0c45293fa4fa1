"""What the tests of accounts share: passwords for the cast, the outbox, and further browsers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask

from portal import clock
from portal.accounts import passwords
from tests.support.cast import Person
from tests.support.web import Browser

PASSWORD = "seven quiet evenings"
CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
"""Argon2 as fast as it goes: what the tests of accounts hash with. The real settings have tests of their own."""
HASH = CHEAP.hash(PASSWORD)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of passwords are tried here."""
    monkeypatch.setattr(passwords, "_hasher", CHEAP)


@dataclass(frozen=True)
class Written:
    """A mail in the outbox, with what it opens."""

    kind: str
    recipient: str
    text: str

    @property
    def link(self) -> str:
        return re.search(r"https://localhost(/\S+)", self.text).group(1)

    @property
    def code(self) -> str:
        return re.search(r": (\d{6})$", self.text, re.MULTILINE).group(1)


@pytest.fixture
def outbox(superuser: psycopg.Connection) -> Callable[[str], list[Written]]:
    """`outbox(address)`: the mails written to an address, newest first."""

    def written(address: str) -> list[Written]:
        rows = superuser.execute(
            "select kind, recipient, text from mails where lower(recipient) = lower(%s) order by created_at desc",
            [address],
        )
        return [Written(*row) for row in rows]

    return written


@pytest.fixture
def with_password(superuser: psycopg.Connection) -> Callable[..., Person]:
    """`with_password(alice)`: she has the usual password now; or the one whose hash is given."""

    def give(person: Person, password_hash: str = HASH) -> Person:
        superuser.execute("insert into credentials values (%s, %s, now())", [person.id, password_hash])
        return person

    return give


@pytest.fixture
def another(app: Flask) -> Callable[[], Browser]:
    """`another()`: one more browser, with nothing in it."""
    return app.test_client  # type: ignore[return-value]


def enters(browser: Browser, email: str, password: str = PASSWORD, **more: Any) -> bool:
    """Whether address and password open the door."""
    return browser.submit("/sign-in", email=email, password=password, **more).status_code == 303


def wrong_code(code: str) -> str:
    """Six digits that are not these."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def main(page: Any) -> str:
    """What a page says, without what differs by request."""
    return re.sub(r'value="[^"]*"', "", page.text.split("<main")[1])


class Phone:
    """An app with somebody's secret in it, and the recovery codes on paper beside it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.recovery_codes: list[str] = []

    @property
    def code(self) -> str:
        """What it shows at this moment."""
        return pyotp.TOTP(self.secret).at(clock.now())


def sets_up(browser: Browser, password: str = PASSWORD) -> Phone:
    """Somebody signed in sets up a second factor by its pages."""
    browser.submit("/account/second-factor", **{"begin-password": password})
    shown = re.search(r"<code>([A-Z2-7-]+)</code>", browser.get("/account/second-factor/set-up").text)
    phone = Phone(shown.group(1).replace("-", ""))
    done = browser.submit("/account/second-factor/set-up", second_factor=phone.code)
    phone.recovery_codes = re.findall(r"<code>([0-9A-Z-]+)</code>", done.text)
    return phone


def gives(browser: Browser, code: str, **more: Any) -> bool:
    """Whether the code is taken at the sign-in."""
    answer = browser.submit("/sign-in/code", second_factor=code, **more)
    return answer.status_code == 303 and answer.location != "/sign-in"
