"""One Workspace organisation with one user who organises, its rooms, and who sits in them."""

import hashlib
import json
import secrets
import string
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from portal.sandbox.meet import keys
from portal.sandbox.meet.problems import Json
from portal.sandbox.meet.store import SWITCHES, Books, Store

FAULTS = {
    "ok": "answers",
    "slow": "answers slowly",
    "500": "answers with an error",
    "down": "is down",
    "quota": "says: too many requests",
    "used_up": "has no quota left for the calendar",
    "revoked": "no longer knows the service account",
    "disabled": "has both APIs switched off",
    "lost_answer": "makes a new event, loses the answer",
}
LONGEST = timedelta(hours=24)
"""When Meet ends a conference by itself (support.google.com/meet/answer/7317473)."""


class Account(NamedTuple):
    """Somebody who can be signed in to Google: an id as Meet gives it (users/…), and a name."""

    user: str
    name: str


class NotAdmittedError(Exception):
    """Nobody is there to let this person in."""


def account(email: str, name: str) -> Account:
    """The account of an address; always the same one."""
    number = int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big")
    return Account(f"users/1{number % 10**20:020}", name)


class Meet:
    """The whole outside: what the API and the pages work on. `url` is where both are reached."""

    def __init__(
        self,
        path: Path,
        key_file: Path,
        organizer: str,
        clock_file: Path | None = None,
        accounts: Sequence[Account] = (),
    ) -> None:
        keys.write_key(key_file)
        self.key_file, self.organizer, self.accounts = key_file, organizer, tuple(accounts)
        self.url = ""
        self.slow_seconds = 8.0
        self._store, self._clock_file = Store(path), clock_file

    # -- time ----------------------------------------------------------------------------------------------------------
    def now(self) -> datetime:
        """The real time plus the seconds in the clock file, which whoever moves the demo's clock writes."""
        try:
            ahead = int(self._clock_file.read_text()) if self._clock_file else 0
        except (FileNotFoundError, ValueError):
            ahead = 0
        return datetime.now(UTC) + timedelta(seconds=ahead)

    @contextmanager
    def books(self) -> Iterator[Books]:
        """One transaction; what time alone has ended is ended first."""
        with self._store.books() as books:
            for row in books.rows(
                "select name, started from conferences where ended is null and started < ?",
                written(self.now() - LONGEST),
            ):
                end_conference(books, row["name"], written(datetime.fromisoformat(row["started"]) + LONGEST))
            yield books

    # -- how it behaves ------------------------------------------------------------------------------------------------
    def switches(self) -> Json:
        """How the world behaves just now."""
        with self.books() as books:
            return books.switches()

    def switch(self, **wanted: object) -> None:
        """Let it behave so; what is not named goes back to normal."""
        if unknown := set(wanted) - set(SWITCHES):
            raise TypeError(f"no such switch: {unknown}")
        with self.books() as books:
            books.run("delete from switches")
            for name, value in wanted.items():
                books.run("insert into switches values (?, ?)", name, json.dumps(value))

    # -- who sits where ------------------------------------------------------------------------------------------------
    def sit(
        self, code: str, name: str, user: str | None = None, *, phone: bool = False, at: datetime | None = None
    ) -> str:
        """Somebody enters by the address; returns the name of the session. A signed-in `user` stays one participant through
        one conference, anybody else is a new one each time. Raises LookupError for a code that is none, NotAdmittedError if
        the room is for invitees only, and nobody is invited."""
        moment = written(at or self.now())
        with self.books() as books:
            space = books.row("select * from spaces where code = ?", code)
            if space is None:
                raise LookupError(code)
            if json.loads(space["config"])["accessType"] != "OPEN":
                raise NotAdmittedError
            active = books.row("select name from conferences where space = ? and ended is null", space["name"])
            conference = active["name"] if active else f"conferenceRecords/{_id()}"
            if active is None:
                books.run(
                    "insert into conferences (name, space, started) values (?, ?, ?)", conference, space["name"], moment
                )
            participant = self._participant(books, conference, name, user, phone=phone)
            session = f"{participant}/participantSessions/{_id()}"
            books.run(
                "insert into sessions (name, participant, started) values (?, ?, ?)", session, participant, moment
            )
            return session

    def _participant(self, books: Books, conference: str, name: str, user: str | None, *, phone: bool) -> str:
        known = books.row("select name from participants where conference = ? and account = ?", conference, user)
        if known:
            return str(known["name"])
        participant = f"{conference}/participants/{_id()}"
        kind = "signedinUser" if user else "phoneUser" if phone else "anonymousUser"
        books.run(
            "insert into participants (name, conference, kind, account, display) values (?, ?, ?, ?, ?)",
            participant,
            conference,
            kind,
            user,
            name,
        )
        return participant

    def leave(self, session: str, at: datetime | None = None) -> None:
        """A stay ends; with the last one the conference does. Leaving twice changes nothing."""
        moment = written(at or self.now())
        conference = session.partition("/participants/")[0]
        with self.books() as books:
            books.run("update sessions set ended = ? where name = ? and ended is null", moment, session)
            inside = books.row("select 1 from sessions where ended is null and participant like ? || '/%'", conference)
            if inside is None:
                end_conference(books, conference, moment)

    def record(self, conference: str) -> None:
        """Begin a recording that ends with the conference."""
        with self.books() as books:
            books.run(
                "insert into recordings (name, conference, started)"
                " select ?, name, ? from conferences where name = ? and ended is null",
                f"{conference}/recordings/{_id()}",
                written(self.now()),
                conference,
            )

    # -- tokens --------------------------------------------------------------------------------------------------------
    def new_token(self, scopes: Sequence[str]) -> str:
        """An access token for these scopes. It lives an hour of real time, as the assertion it is for does."""
        token = f"ya29.{secrets.token_urlsafe(40)}"
        with self.books() as books:
            books.run("delete from tokens where expires < ?", time.time())
            books.run("insert into tokens values (?, ?, ?)", token, " ".join(scopes), time.time() + keys.LIFE)
        return token


def end_conference(books: Books, conference: str, moment: str) -> None:
    """End a conference and every stay and recording in it."""
    books.run("update sessions set ended = ? where ended is null and participant like ? || '/%'", moment, conference)
    books.run("update recordings set ended = ? where ended is null and conference = ?", moment, conference)
    books.run("update conferences set ended = ? where ended is null and name = ?", moment, conference)


def new_space(books: Books, config: Json) -> str:
    """Make a space with a code nobody has; returns its name."""
    name = f"spaces/{_id()}"
    code = "-".join("".join(secrets.choice(string.ascii_lowercase) for _ in range(count)) for count in (3, 4, 3))
    books.run("insert into spaces values (?, ?, ?)", name, code, json.dumps(config))
    return name


def written(moment: datetime) -> str:
    """A moment as Google writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _id() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))
