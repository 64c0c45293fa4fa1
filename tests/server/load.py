"""A small but steady load on a club behind nginx: people sign in, answer, watch; mails are queued.

What was acknowledged is written down.
"""

import contextlib
import html
import http.client
import itertools
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from tests.server.lab import NETWORK
from tests.support.cast import Meeting, Person

SITE = "portal.example.org"
PASSWORD = "nine each evening"
PATIENCE = 40
"""Seconds a browser waits, longer than nginx does."""

QUEUE_A_MAIL = """
with mail as (
    insert into mails (id, kind, recipient, subject, text, html, created_at)
    values (%(id)s, 'hello', %(to)s, 'Hello', 'Hello', 'Hello', now()))
insert into procrastinate_jobs (task_name, queue_name, args)
values ('mail.deliver', 'default', jsonb_build_object('mail_id', %(id)s::text))
"""


class Browser:
    """Somebody's browser, with its cookies, in a network of its own."""

    def __init__(self, number: int, certificate: Path) -> None:
        self._from, self._cookies, self.token = f"{NETWORK}.{100 + number}", dict[str, str](), ""
        self._trusted = ssl.create_default_context(cafile=str(certificate))

    def opened(self, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
        """Raises OSError, HTTPException."""
        line = http.client.HTTPSConnection(
            f"{NETWORK}.10", timeout=PATIENCE, context=self._trusted, source_address=(self._from, 0)
        )
        line._context.check_hostname = False
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {
            "Connection": "close",
            "Host": SITE,
            "Origin": f"https://{SITE}",
            "X-CSRFToken": self.token,
            "Cookie": cookies,
        }
        try:
            line.request(method, path, body, {**headers, "Content-Type": "application/x-www-form-urlencoded"})
            answer = line.getresponse()
        except (OSError, http.client.HTTPException):
            line.close()
            raise
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        """Status and text; 0 if nobody answered."""
        try:
            answer = self.opened(method, path, body)
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""

    def sign_in(self, person: Person) -> int:
        """With address and password; the status. The page that follows has the token of the new session."""
        status, page = self.ask("GET", "/sign-in")
        if status != 200:
            return status
        self.token = token_in(page)
        status, _ = self.ask("POST", "/sign-in", f"email={person.email}&password={PASSWORD.replace(' ', '+')}")
        if status == 303:
            status, page = self.ask("GET", "/meetings")
            self.token = token_in(page) if status == 200 else ""
        return status


def token_in(page: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


class Load:
    """Everybody at once, until told to stop. `since` asks who had success with something that began after a moment."""

    def __init__(self, certificate: Path, queue_at: str, taken_by_post: Callable[[], set[str]]) -> None:
        self.certificate, self.queue_at, self.taken_by_post = certificate, queue_at, taken_by_post
        self.possible: dict[tuple[UUID, UUID], set[str]] = {}
        """What each answer may be now: one, if it was acknowledged."""
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.went_well: dict[str, float] = {}
        """When what last went well began."""
        self.queued: set[str] = set()
        """The addresses of mails whose queueing was acknowledged."""
        self._begun: dict[str, float] = {}
        self.streams_ended = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, members: list[Person], meetings: list[Meeting], guests: list[Person]) -> None:
        """Members answer and watch the first meeting, guests sign in, and mails are queued."""
        for number, member in enumerate(members):
            browser = Browser(number, self.certificate)
            assert browser.sign_in(member) == 200
            self._begin(f"{member.first_name} answers", self._answer, browser, member, meetings)
            _, page = browser.ask("GET", f"/meetings/{meetings[0].id}")
            stream = html.unescape(re.search(r"/live/meetings\?token=[^\"]+", page)[0])
            self._begin(f"{member.first_name} watches", self._watch, browser, stream)
        self._begin("guests sign in", self._sign_in, guests)
        self._begin("mails are queued", self._queue)

    def _begin(self, name: str, what: Callable[..., None], *arguments: object) -> None:
        self.went_well[name] = 0
        thread = threading.Thread(target=what, args=(name, *arguments), daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if "watch" not in thread.name:
                thread.join(PATIENCE)

    def waits_since(self, moment: float) -> list[str]:
        """What has not gone well since."""
        return [name for name, began in self.went_well.items() if began < moment]

    def _answer(self, name: str, browser: Browser, member: Person, meetings: list[Meeting]) -> None:
        """One answer after the other; between them one to the meeting that is watched, of which nothing is written down.

        After one whose outcome is unknown its meeting is left alone: it may still happen.
        """
        watched, *left = meetings
        for turn in itertools.count():
            if self._stop.wait(0.3):
                return
            meeting = left[turn // 2 % len(left)] if turn % 2 else watched
            answer = ("accepted", "declined")[turn // 2 // len(left) % 2]
            answer = ("accepted", "declined")[turn // 2 % 2] if meeting is watched else answer
            began = time.monotonic()
            status, _ = browser.ask("POST", f"/meetings/{meeting.id}/answer", f"answer={answer}")
            self.statuses["answer", status] += 1
            if status == 303:
                self.went_well[name] = began
            if meeting is watched:
                continue
            key = (member.id, meeting.id)
            if status == 303:
                self.possible[key] = {answer}
            else:
                self.possible.setdefault(key, {"invited"}).add(answer)
                left.remove(meeting)

    def _watch(self, name: str, browser: Browser, stream: str) -> None:
        """As an EventSource: opened again a moment after it ended."""
        while not self._stop.wait(1):
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                answer = browser.opened("GET", stream)
                self.statuses["stream", answer.status] += 1
                if answer.status == 200:
                    for line in iter(answer.readline, b""):
                        if line.startswith(b"data: "):
                            self.went_well[name] = time.monotonic()
                        if self._stop.is_set():
                            return
            self.streams_ended += 1

    def _sign_in(self, name: str, guests: list[Person]) -> None:
        for turn, guest in enumerate(itertools.cycle(guests)):
            if self._stop.wait(1.5):
                return
            began = time.monotonic()
            status = Browser(turn % 10, self.certificate).sign_in(guest)
            self.statuses["sign in", status] += 1
            if status == 200:
                self.went_well[name] = began

    def _queue(self, name: str) -> None:
        """Two mails a second, each to an address of its own; it went well when one has arrived."""
        while not self._stop.wait(0.5):
            key, began = str(uuid4()), time.monotonic()
            with contextlib.suppress(psycopg.OperationalError):
                with psycopg.connect(self.queue_at, connect_timeout=3, tcp_user_timeout=5000) as worker:
                    worker.execute(QUEUE_A_MAIL, {"id": key, "to": f"{key}@club.example"}, prepare=False)
                self.queued.add(f"{key}@club.example")
                self._begun[f"{key}@club.example"] = began
            arrived = self.taken_by_post() & self._begun.keys()
            self.went_well[name] = max([self.went_well[name], *(self._begun[each] for each in arrived)])
            for each in arrived:
                del self._begun[each]
