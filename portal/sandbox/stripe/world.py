"""One stand-in account: its file, its clockwork, its door for the stripe package, its switches."""

import functools
import hmac
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import stripe
from flask import Flask
from werkzeug.test import run_wsgi_app

from portal import clock
from portal.sandbox.stripe import app, checkout, events, moments, pages, refunds
from portal.sandbox.stripe.books import Books, Store
from portal.sandbox.stripe.cards import CARDS
from portal.sandbox.stripe.problems import CutConnection
from portal.sandbox.stripe.shapes import Body, shown

MINUTE, HOUR, DAY = 60, 3600, 86400
PAUSES = (10, MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
GIVEN_UP = 3 * DAY
SWITCHES: Body = {"late_seconds": 0, "twice": False, "shuffled": False, "never": False, "api": "ok", "refunds": "ok"}


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one endpoint."""

    seq: int
    url: str
    body: str
    event_id: str
    due: int
    secret: str = field(repr=False)
    attempts: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """Signed at this moment of the machine's clock, as every attempt is: whoever checks it goes by that one too."""
        at = int(time.time())
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (sandbox)",
            "Stripe-Signature": sign(self.body, self.secret, at),
        }


@dataclass(frozen=True)
class Ledger:
    """Minor units that stayed: charges less refunds less lost disputes, per currency, all and per customer."""

    total: dict[str, int]
    customers: dict[str, dict[str, int]]


def sign(body: str, secret: str, at: int) -> str:
    """The signature header an endpoint checks."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), "sha256").hexdigest()
    return f"t={at},v1={digest}"


class Stripe:
    """The account. `path` is its file, or ":memory:"."""

    slow_seconds = 5.0

    def __init__(
        self,
        path: Path | str,
        page_url: str = "http://127.0.0.1:8001",
        api_key: str = "sk_test_sandbox",
        endpoint: tuple[str, str] | None = None,
    ) -> None:
        self._store = Store(path)
        self.page_url, self.api_key = page_url.rstrip("/"), api_key
        self.transport = Transport(self)
        if endpoint:
            self.listen(*endpoint)

    def listen(self, url: str, secret: str) -> None:
        """From now on that address is told what happens."""
        with self._page() as books:
            known = books.rows("webhook_endpoint", "json_extract(body, '$.url') = ?", url)
            for endpoint in known:
                books.change(endpoint, _secret=secret)
            if not known:
                events.listen(books, secret, url=url)

    @contextmanager
    def _page(self, request: Body | None = None) -> Iterator[Books]:
        with self._store.transaction() as db:
            yield Books(db, self.page_url, request)

    @contextmanager
    def books(self, request: Body | None = None) -> Iterator[Books]:
        """The books in one transaction, with everything that was due by now already done."""
        with self._store.transaction() as db:
            _catch_up(db, self.page_url)
            yield Books(db, self.page_url, request)

    @functools.cached_property
    def pages(self) -> Flask:
        """The hosted pages."""
        return pages.pages(self)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """/v1/… and the hosted pages."""
        return app.wsgi(self, environ, start_response)

    def advance(self) -> None:
        """Do everything due up to now, each at its own moment."""
        more = True
        while more:  # a transaction each, so that a long absence does not hold the file
            with self._page() as books:
                more = moments.next_due(books, books.now)

    def next_due(self) -> datetime | None:
        """When something happens by itself next, or is told; None if never."""
        with self._page() as books:
            rows = books.db.execute(
                "select min(at) from due union all select min(due) from deliveries where not done"
            ).fetchall()
        moments = [row[0] for row in rows if row[0] is not None]
        return datetime.fromtimestamp(min(moments), UTC) if moments else None

    # -- what people do --------------------------------------------------------------------------------------------
    def pay(self, session_id: str, card: str = "4242424242424242", confirm: bool | None = None) -> str:
        """What the hosted page's form does."""
        with self.books() as books:
            known = CARDS.get(card)
            if known is None:
                return "declined: Your card number is incorrect."
            outcome = checkout.pay(books, session_id, known)
            if outcome == "needs confirmation" and confirm is not None:
                outcome = checkout.pay(books, session_id, confirmed=confirm)
            return outcome

    def dispute(self, payment_intent: str) -> str:
        """The payer's bank takes a payment back; the dispute's id."""
        with self.books() as books:
            intent = books.find("payment_intent", payment_intent)
            dispute = refunds.dispute(books, books.find("charge", intent["latest_charge"]))
            if dispute is None:
                raise ValueError("there is nothing left to dispute")
            return str(dispute["id"])

    def close_dispute(self, id: str, won: bool) -> None:
        """The bank decides."""
        with self.books() as books:
            refunds.close(books, books.find("dispute", id), won)

    def fail_refund(self, id: str) -> None:
        """The card is no more: a refund comes back."""
        with self.books() as books:
            refunds.fail(books, books.find("refund", id))

    def when_retries_end(self, then: str) -> None:
        """The account's setting: "cancel" the subscription, or leave it "unpaid"."""
        with self._page() as books:
            books.set("after_retries", then)

    # -- deliveries ------------------------------------------------------------------------------------------------
    def undelivered(self) -> list[Delivery]:
        """What is waiting, oldest first."""
        with self.books() as books:
            found = books.db.execute("select * from deliveries where not done order by due, seq").fetchall()
            rows = []
            for row in found:
                endpoint, event = books.find("webhook_endpoint", row["endpoint"]), books.find("event", row["event"])
                rows.append(
                    Delivery(
                        row["seq"],
                        endpoint["url"],
                        json.dumps(shown(event)),
                        row["event"],
                        row["due"],
                        endpoint["_secret"],
                        row["attempts"],
                    )
                )
            return rows

    def deliver(self, send: Callable[[Delivery], int]) -> int:
        """Hand over what is due; anything but a 2xx comes again later. How many arrived."""
        arrived, switches = 0, self.switches()
        now = int(clock.now().timestamp())
        waiting = [each for each in self.undelivered() if each.due + switches["late_seconds"] <= now]
        if switches["never"]:  # lost for good, until somebody sends them again
            with self._page() as books:
                gone = [(each.seq,) for each in waiting]
                books.db.executemany("update deliveries set done = 2 where seq = ?", gone)
            return 0
        if switches["shuffled"]:
            waiting.reverse()
            waiting = waiting[1::2] + waiting[::2]
        for each in waiting:
            status = send(each)
            if switches["twice"]:
                status = send(each)
            arrived += self._note(each, status)
        return arrived

    def _note(self, delivery: Delivery, status: int) -> bool:
        fine, tries = 200 <= status < 300, delivery.attempts + 1
        with self._page() as books:
            event = books.find("event", delivery.event_id)
            again = books.now + PAUSES[min(tries, len(PAUSES)) - 1]
            done = fine or again > event["created"] + GIVEN_UP
            books.db.execute(
                "update deliveries set attempts = ?, status = ?, due = ?, done = ? where seq = ?",
                (tries, status, delivery.due if done else again, 1 if fine else 2 if done else 0, delivery.seq),
            )
            if fine:
                books.change(event, pending_webhooks=max(0, event["pending_webhooks"] - 1))
        return fine

    # -- switches and sums -----------------------------------------------------------------------------------------
    def switches(self) -> Body:
        """How the world misbehaves just now."""
        with self._page() as books:
            return {**SWITCHES, **books.setting("switches", {})}

    def switch(self, **wanted: object) -> None:
        """Let it misbehave: what is not named goes back to normal."""
        if unknown := set(wanted) - set(SWITCHES):
            raise TypeError(f"no such switch: {unknown}")
        with self._page() as books:
            books.set("switches", wanted)

    def ledger(self) -> Ledger:
        """What stayed of all that was paid."""
        all_, each = Counter[str](), dict[str, Counter[str]]()
        with self.books() as books:
            moves = [(c, c["amount"]) for c in books.rows("charge") if c["status"] == "succeeded"]
            moves += [(r, -r["amount"]) for r in books.rows("refund") if r["status"] in ("succeeded", "pending")]
            moves += [(d, -d["amount"]) for d in books.rows("dispute") if d["status"] == "lost"]
            for body, amount in moves:
                owner = body.get("customer") or (books.get(body["charge"]) or {})["customer"]
                all_[body["currency"]] += amount
                each.setdefault(owner, Counter())[body["currency"]] += amount
        return Ledger(dict(all_), {owner: dict(sums) for owner, sums in each.items()})


def _catch_up(db: Any, page_url: str) -> None:
    now = int(clock.now().timestamp())
    while moments.next_due(Books(db, page_url), now):
        pass


class Transport(stripe.HTTPClient):
    """Lets the stripe package talk to an account in this very process."""

    name = "sandbox"

    def __init__(self, world: Stripe) -> None:
        super().__init__()
        self._world = world

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_usage: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """One call, through the same WSGI door a network would use."""
        parts = urlsplit(url)
        data = (post_data or "").encode() if not isinstance(post_data, bytes) else post_data
        environ: dict[str, object] = {
            "REQUEST_METHOD": method.upper(),
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.input": io.BytesIO(data),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()},
        }
        try:
            body, status, heads = run_wsgi_app(self._world.wsgi, environ, buffered=True)
        except CutConnection as cut:
            problem = stripe.APIConnectionError("The connection was cut.", should_retry=True)  # type: ignore[no-untyped-call]
            raise problem from cut
        return b"".join(body).decode(), int(status.split()[0]), {k.lower(): v for k, v in heads}

    def close(self) -> None:
        """Nothing is open."""
