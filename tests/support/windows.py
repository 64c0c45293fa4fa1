"""Browser windows for the cast: Chromium contexts that are signed in, and that complain when a page does."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect, sync_playwright

from portal.accounts.member import key_hash, new_key
from tests.support import chromium
from tests.support.cast import Person
from tests.support.club_server import SECRET, ClubServer
from tests.support.web import PROVED

PATIENCE = 15_000  # milliseconds for anything that has no limit of its own: others may work on this machine too


@contextlib.contextmanager
def chromium_running(*more: str) -> Iterator[Browser]:
    """One Chromium, with `more` arguments. While it runs no other event loop can in this thread, so close it when its tests are through."""
    where = chromium.path()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=[*chromium.ARGS, *more])
        yield browser
        browser.close()


class Windows:
    """Opens windows on `club` and keeps what their pages complained about."""

    def __init__(self, browser: Browser, club: ClubServer, superuser: psycopg.Connection) -> None:
        self.browser, self.club, self.superuser = browser, club, superuser
        self.complaints: list[str] = []
        self.pages: list[Page] = []

    def open(self, person: Person | None = None, path: str = "", **context: Any) -> Page:
        """A window of its own, signed in as `person`; what Playwright calls context options may follow."""
        options: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "timezone_id": "Europe/Istanbul"}
        opened = self.browser.new_context(base_url=self.club.url, **{**options, **context})
        opened.set_default_timeout(PATIENCE)
        page = opened.new_page()
        if person:
            self._sign_in(page, person)
        self.pages.append(page)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("response", self._answered)
        if path:
            page.goto(path)
        return page

    def _sign_in(self, page: Page, person: Person) -> None:
        # Straight to DevTools: Playwright's add_cookies names a domain, which a __Host- cookie may not have.
        cookie = {"name": "__Host-session", "value": self._session(person), "url": "https://127.0.0.1/", "path": "/"}
        page.context.new_cdp_session(page).send("Network.setCookie", {**cookie, "secure": True, "httpOnly": True})

    def _session(self, person: Person) -> str:
        key = new_key()
        now = datetime.now(UTC)
        self.superuser.execute(
            "select auth.open_sign_in(%s, %s, 'Test browser', '127.0.0.1')", [person.id, key_hash(key)]
        )
        self.superuser.execute(PROVED, [now, key_hash(key)])
        app = Flask("cookies")
        app.secret_key = SECRET
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signer is not None
        return str(signer.dumps({"_user_id": key, "_fresh": True}))

    def picture(self, folder: Path, name: str) -> None:
        """What every open window shows, for whoever has to find out why."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(self.pages):
            with contextlib.suppress(Exception):
                page.screenshot(path=folder / f"{name}-{number}.png", full_page=True)

    def close(self) -> None:
        """Close every window."""
        for page in self.pages:
            page.context.close()

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium also logs each 4xx it loads; those are answers here.
        if message.type in ("error", "warning") and "responded with a status of 4" not in message.text:
            self.complaints.append(f"{message.type} on {message.location.get('url')}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} from {response.request.method} {response.url}")
