"""The account's books: every object as JSON in one SQLite file, and one transaction's hands on them."""

import hashlib
import json
import os
import random
import sqlite3
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stripe

from portal import clock
from portal.sandbox.stripe.problems import missing
from portal.sandbox.stripe.shapes import PREFIXES, Body, shape, shown

TABLES = """
create table if not exists objects (
    seq integer primary key, id text not null unique, kind text not null, customer text, created integer not null,
    body text not null);
create index if not exists by_kind on objects (kind, seq);
create index if not exists by_customer on objects (kind, customer, seq);
create index if not exists by_intent on objects (kind, json_extract(body, '$.payment_intent'));
create index if not exists by_invoice on objects (kind, json_extract(body, '$.invoice'));
create index if not exists by_subscription on objects
    (kind, json_extract(body, '$.parent.subscription_details.subscription'));
create table if not exists due (what text, id text, at integer not null, primary key (what, id));
create index if not exists by_moment on due (at);
create table if not exists answers (key text primary key, request text not null, status integer not null,
    body text not null, at integer not null);
create table if not exists deliveries (
    seq integer primary key, event text not null, endpoint text not null, due integer not null,
    attempts integer not null default 0, status integer, done integer not null default 0);
create index if not exists waiting on deliveries (due) where not done;
create index if not exists of_event on deliveries (event);
create table if not exists settings (name text primary key, value text not null);
"""
LETTERS = string.ascii_letters + string.digits
_dice = random.SystemRandom()


class Store:
    """One file is one account. Threads take turns, processes wait for each other."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._turn = threading.RLock()
        self._open: tuple[int, sqlite3.Connection] | None = None

    def _connection(self) -> sqlite3.Connection:
        if self._open is None or self._open[0] != os.getpid():
            db = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            db.row_factory = sqlite3.Row
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.executescript(TABLES)
            self._open = (os.getpid(), db)
        return self._open[1]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing."""
        with self._turn:
            db = self._connection()
            db.execute("begin immediate")
            try:
                yield db
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")


class Books:
    """One transaction: what it reads stays one and the same object until the end."""

    def __init__(self, db: sqlite3.Connection, page_url: str, request: Body | None = None) -> None:
        self.db, self.page_url, self.request = db, page_url, request
        self.now = int(clock.now().timestamp())
        self._held: dict[str, Body] = {}

    # -- objects ---------------------------------------------------------------------------------------------------
    def new_id(self, kind: str) -> str:
        """An id that looks like a real one."""
        length = 58 if kind == "checkout.session" else 14 if kind in ("customer", "product") else 24
        return PREFIXES[kind] + "".join(_dice.choices(LETTERS, k=length))

    def make(self, kind: str, **fields: Any) -> Body:  # JSON, of any shape
        """A new object, saved."""
        body = shape(kind, fields.pop("id", None) or self.new_id(kind), self.now) | fields
        self.db.execute(
            "insert into objects (id, kind, customer, created, body) values (?, ?, ?, ?, ?)",
            (body["id"], kind, body.get("customer"), body.get("created", self.now), json.dumps(body)),
        )
        self._held[body["id"]] = body
        return body

    def part(self, kind: str, **fields: object) -> Body:
        """A new object that lives inside another one."""
        return shape(kind, self.new_id(kind), self.now) | fields

    def get(self, id: str | None) -> Body | None:
        """The object with this id, whatever it is."""
        if id not in self._held:
            row = self.db.execute("select body from objects where id = ?", (id,)).fetchone()
            if row is None:
                return None
            self._held[str(id)] = json.loads(row[0])
        return self._held[str(id)]

    def find(self, kind: str, id: str | None, param: str = "id") -> Body:
        """The object, which must be there and of this kind."""
        body = self.get(id)
        if body is None or body["object"] != kind or (param != "id" and body.get("deleted")):
            raise missing(
                kind.replace(".", " ").replace("_", " ") if kind != "payment_method" else "PaymentMethod",
                str(id),
                param,
            )
        return body

    def save(self, body: Body) -> None:
        """Keep the object as it now is."""
        self.db.execute(
            "update objects set body = ?, customer = ? where id = ?",
            (json.dumps(body), body.get("customer"), body["id"]),
        )

    def change(self, body: Body, event: str | None = None, **fields: object) -> Body:
        """Set fields, keep them and tell about it; an event that says what it was before is told only of a change."""
        before = {name: body.get(name) for name, value in fields.items() if body.get(name) != value}
        before = json.loads(json.dumps({k: v for k, v in before.items() if not k.startswith("_")}))
        body.update(fields)
        self.save(body)
        updated = bool(event) and str(event).endswith(".updated")
        if event and (before or not updated):
            self.emit(event, body, before if updated else None)
        return body

    def rows(self, kind: str, where: str = "1", *values: object, order: str = "desc", limit: int = -1) -> list[Body]:
        """Objects of a kind, newest first."""
        found = self.db.execute(
            f"select id from objects where kind = ? and ({where}) order by seq {order} limit ?",  # noqa: S608
            (kind, *values, limit),
        ).fetchall()
        return [body for row in found if (body := self.get(row["id"]))]

    # -- time ------------------------------------------------------------------------------------------------------
    def due(self, what: str, id: str, at: int | None) -> None:
        """Remember to do `what` to this object at that moment; without a moment, forget it."""
        self.db.execute("delete from due where what = ? and id = ?", (what, id))
        if at is not None:
            self.db.execute("insert into due (what, id, at) values (?, ?, ?)", (what, id, at))

    # -- settings --------------------------------------------------------------------------------------------------
    def setting(self, name: str, default: Any = None) -> Any:  # JSON, of any shape
        """What this account is set to."""
        row = self.db.execute("select value from settings where name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def set(self, name: str, value: object) -> None:
        """Set the account."""
        self.db.execute("insert or replace into settings (name, value) values (?, ?)", (name, json.dumps(value)))

    # -- events ----------------------------------------------------------------------------------------------------
    def emit(self, type: str, body: Body, previous: Body | None = None) -> None:
        """Write the event, and a delivery to every endpoint that listens for it."""
        data: Body = {"object": shown(body)}
        if previous is not None:
            data["previous_attributes"] = previous
        listening = [
            endpoint
            for endpoint in self.rows("webhook_endpoint")
            if endpoint["status"] == "enabled" and {"*", type} & set(endpoint["enabled_events"])
        ]
        event = self.make(
            "event",
            api_version=stripe.api_version,
            data=data,
            pending_webhooks=len(listening),
            request=self.request or {"id": None, "idempotency_key": None},
            type=type,
        )
        for endpoint in listening:
            self.db.execute(
                "insert into deliveries (event, endpoint, due) values (?, ?, ?)",
                (event["id"], endpoint["id"], self.now),
            )


def fingerprint(*parts: object) -> str:
    """One short word for all of it."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
