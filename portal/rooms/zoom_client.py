"""Zoom over HTTP: the app's token, one request, and whatever goes wrong as a sentence.

Outside facts, each under https://developers.zoom.us/docs/: internal-apps/s2s-oauth (the token), api/errors (status and
code), api/rate-limits (429, `Retry-After`), integrations/oauth-error-messages (why no token is given).
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests

from portal.rooms.platform import ProviderError, RoomGoneError

Body = dict[str, Any]  # JSON, of any shape

TIMEOUTS = (3, 10)  # seconds to connect, and of silence while it answers
SPARE = 60  # seconds before its end a token is no longer used
PAGE = 300  # the most rows a page may have
NO_MEETING, NO_USER, NOT_OUR_USER, NOT_IN_PLAN, NO_SCOPE, NO_TOKEN = 3001, 1001, 1010, 200, 4711, 124
PUT_RIGHT = "in the Zoom App Marketplace"


class RequestRefusedError(ProviderError):
    """Zoom understood the request and will not do it, whenever it is asked."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, again=False)


class NotInPlanError(RequestRefusedError):
    """The account's plan at Zoom does not include it."""

    def __init__(self) -> None:
        super().__init__("The account's plan at Zoom does not include this.")


class MissingScopeError(RequestRefusedError):
    """The app was not given the right to do it."""


class DailyLimitError(ProviderError):
    """This was asked as often today as Zoom allows, by this host or for this person."""


class ZoomClient:
    """Asks Zoom as the app. One for a process: its threads share the token."""

    def __init__(self, account: str, client: str, secret: str, url: str = "") -> None:
        self._account, self._credentials = account, (client, secret)
        self._token_url = f"{url or 'https://zoom.us'}/oauth/token"
        self._api = f"{url or 'https://api.zoom.us'}/v2"
        self._guard = threading.Lock()
        self._token, self._scopes, self._fresh_until = "", "", 0.0

    def ask(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Body | None = None) -> Body:
        """The answer to one request; empty where Zoom answers with nothing. Raises ProviderError."""
        token = self._valid_token()
        answer = self._send(method, path, params, body, token)
        if answer.status_code == 401:  # it was taken back before its time
            self._forget(token)
            answer = self._send(method, path, params, body, self._valid_token())
        if answer.status_code // 100 != 2:
            raise _problem(answer)
        return _json(answer) if answer.content else {}

    def rows(self, path: str, name: str, **params: Any) -> Iterator[Body]:
        """The rows called `name` of every page."""
        page = ""
        while True:
            answer = self.ask("GET", path, params={**params, "page_size": PAGE, "next_page_token": page or None})
            yield from answer.get(name) or ()
            page = answer.get("next_page_token") or ""
            if not page:
                return

    def scopes(self) -> frozenset[str]:
        """What the app may do, by Zoom's names. Raises ProviderError where no token is given."""
        self._forget(self._token)
        self._valid_token()
        return frozenset(self._scopes.split())

    def _valid_token(self) -> str:
        with self._guard:
            if time.monotonic() >= self._fresh_until:
                self._fetch_token()
            return self._token

    def _forget(self, token: str) -> None:
        with self._guard:
            if self._token == token:  # else another thread has a new one
                self._fresh_until = 0.0

    def _fetch_token(self) -> None:
        form = {"grant_type": "account_credentials", "account_id": self._account}
        answer = _reach("POST", self._token_url, data=form, auth=self._credentials)
        if answer.status_code in (400, 401, 403):
            raise _no_token(answer)
        if answer.status_code // 100 != 2:
            raise _problem(answer)
        given = _json(answer)
        self._token, self._scopes = str(given.get("access_token", "")), str(given.get("scope", ""))
        self._fresh_until = time.monotonic() + int(given.get("expires_in", 0)) - SPARE

    def _send(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Body | None, token: str
    ) -> requests.Response:
        def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        # `auth`, because without one requests would read a ~/.netrc and send what that says.
        return _reach(method, self._api + path, params=params, json=body, auth=bearer)


def segment(name: str) -> str:
    """A name as a part of a path. One that begins with a slash or has two in it is encoded twice (api/using-zoom-apis)."""
    once = quote(name, safe="")
    return quote(once, safe="") if name.startswith("/") or "//" in name else once


def _reach(method: str, url: str, **more: Any) -> requests.Response:
    try:
        return requests.request(method, url, timeout=TIMEOUTS, allow_redirects=False, **more)
    except requests.RequestException:
        # Its words name addresses: they stay out of logs and pages.
        raise ProviderError("Zoom cannot be reached just now.") from None


def _json(answer: requests.Response) -> Body:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderError("Zoom answered with something the portal cannot read.")
    return found


def _no_token(answer: requests.Response) -> ProviderError:
    try:
        said = _json(answer)
    except ProviderError:
        said = {}
    reason, error = str(said.get("reason", "")).lower(), said.get("error")
    if "disabled" in reason or "activated" in reason:
        return RequestRefusedError(f"The app at Zoom is not activated: activate it {PUT_RIGHT}.")
    if error == "invalid_client":
        return RequestRefusedError(
            "Zoom does not accept ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET: compare both with the app's credentials "
            f"{PUT_RIGHT}, and see that it is activated there."
        )
    if error == "unsupported_grant_type":
        return RequestRefusedError(
            f"The app at Zoom is of another type: make a server-to-server OAuth app {PUT_RIGHT}."
        )
    return RequestRefusedError(
        f"Zoom does not accept ZOOM_ACCOUNT_ID: compare it with the account id of the app {PUT_RIGHT}."
    )


def _problem(answer: requests.Response) -> ProviderError:
    """What an answer without success means. Zoom's own words may hold addresses: they are read, never passed on."""
    try:
        said = _json(answer)
    except ProviderError:
        said = {}
    status, code, words = answer.status_code, said.get("code"), str(said.get("message", ""))
    if status == 429:
        return _too_many(answer, words)
    if status >= 500 or status < 400:
        return ProviderError(f"Zoom has a fault of its own just now (status {status}).")
    if code == NO_SCOPE:
        named = re.search(r"scopes?:\s*\[([\w:, ]+)\]", words)
        which = f": {named[1].replace(',', ', ').replace('  ', ' ')}" if named else ""
        return MissingScopeError(
            f"The app at Zoom lacks a scope{which}. Add it under Scopes {PUT_RIGHT} and activate the app again."
        )
    if status == 401 and code == NO_TOKEN:
        # An app has one token at a time: whoever asks for one ends that of another process, ours or another program's.
        return ProviderError(
            "Zoom took the app's token back. If that goes on, another program uses the same app: give the portal one of its "
            f"own {PUT_RIGHT}."
        )
    if status in (401, 403):
        return RequestRefusedError(f"Zoom does not let the app do this: check {PUT_RIGHT} that it is activated.")
    if (code == NOT_IN_PLAN and "paid" in words.lower()) or "registration has not been enabled" in words.lower():
        return NotInPlanError()
    if code in (NO_USER, NOT_OUR_USER):
        return RequestRefusedError("Zoom does not know a user in ZOOM_HOSTS: each must be a user of the account.")
    if status == 404 or code == NO_MEETING:
        return RoomGoneError()
    return RequestRefusedError(f"Zoom refused the request (status {status}, code {code}).")


def _too_many(answer: requests.Response, words: str) -> ProviderError:
    if "daily" in words.lower():
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        after = _retry_after(answer) or midnight - datetime.now(UTC)
        return DailyLimitError("Zoom's daily limit for this host is reached; it starts anew at 00:00 UTC.", after=after)
    after = _retry_after(answer) or timedelta(seconds=10)
    return ProviderError("Zoom is asked too often just now.", after=after)


def _retry_after(answer: requests.Response) -> timedelta | None:
    """Seconds, a date of HTTP or, as Zoom's example has it, one of ISO 8601."""
    value = answer.headers.get("Retry-After", "")
    if value.isdecimal() and len(value) < 8:
        return timedelta(seconds=int(value))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return max(read(value) - datetime.now(UTC), timedelta(0))
        except (ValueError, TypeError):
            continue
    return None
