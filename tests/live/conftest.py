"""A small club, a real granian around its streams, and readers that talk HTTP to it."""

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from portal.live.stream import Live
from portal.live.token import Audience, Ticket, issue

SECRET = "a secret of thirty-two characters"
MEMBERS = Audience("Europe/Berlin", names_shown=True)


def until(true: Callable[[], bool], within: float = 3.0) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + within
    while not (became := true()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return became


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


def ticket(meeting="supper", audience=MEMBERS, sign_in="alice", names_until=None) -> str:
    return issue(SECRET, Ticket(meeting, audience, sign_in, names_until))


class Club:
    """What the database would say, and how often it was asked."""

    def __init__(self) -> None:
        self.meetings = {"supper": "2 seats taken", "choir": "choir"}
        self.next_change = None
        self.signed_out = set()
        self.lapsed = set()
        self.broken = False
        self.drawn = []
        self.asked = []
        self.answers_after = 0

    async def listen(self, live):
        live.listening(True)
        await asyncio.Event().wait()

    async def check(self, tickets):
        self.asked.append(len(tickets))
        await asyncio.sleep(self.answers_after)
        return [self.holds(ticket) for ticket in tickets]

    def holds(self, ticket):
        names = ticket.audience.names_shown and ticket.sign_in in self.lapsed
        return ticket.sign_in not in self.signed_out and not names

    async def render(self, keys):
        if self.broken:
            raise ConnectionError("the database is away")
        self.drawn += keys
        return {key: self.draw(*key) for key in keys if key[0] in self.meetings}

    def draw(self, meeting, audience):
        plain = "" if audience.names_shown else ", no names"
        return f"{self.meetings[meeting]} ({audience.zone}{plain})".encode(), self.next_change


class Reader:
    """A page that has a stream open."""

    def __init__(self, port, token, **headers) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
        self.connection.request("GET", f"/live/meetings?token={token}", headers=headers)
        self.response = self.connection.getresponse()

    def lines(self) -> list[str]:
        """The next event, line by line; nothing once the stream has ended."""
        lines = []
        while (line := self.response.readline().decode()) not in {"", "\n"}:
            lines.append(line.rstrip("\n"))
        return lines

    def sees(self) -> str:
        """The content of the next event."""
        return "\n".join(line[6:] for line in self.lines() if line.startswith("data: "))

    def leave(self) -> None:
        self.response.close()
        self.connection.close()


class Place:
    """Granian on a free port in a thread of its own, around an application with streams."""

    def __init__(self, live, application=None) -> None:
        self.port = a_free_port()
        self.live = live
        self.application = application or live
        self.clients = []
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        options = {"port": self.port, "interface": Interfaces.ASGI, "log_enabled": False}
        self.server = Server(self.application, **options)
        await self.server.serve()

    def __enter__(self):
        self.thread.start()
        assert until(lambda: answers(self.port))
        return self

    def __exit__(self, *_) -> None:
        for reader in self.clients:
            reader.leave()
        self.tell(self.live.close)
        self.loop.call_soon_threadsafe(self.server.stop)
        self.thread.join()

    def open(self, *args, **kwargs) -> Reader:
        """A new page with a stream."""
        self.clients.append(Reader(self.port, ticket(*args, **kwargs)))
        return self.clients[-1]

    def tell(self, what, *args) -> None:
        """Call `what` where the streams live."""
        self.loop.call_soon_threadsafe(what, *args)


def alone() -> Live:
    """What granian loads when it runs in a process of its own."""
    club = Club()
    return Live(secrets=[SECRET], listen=club.listen, render=club.render, check=club.check)


@pytest.fixture
def free_port() -> int:
    return a_free_port()


@pytest.fixture
def club() -> Club:
    return Club()


@pytest.fixture
def make_live(club) -> Callable[..., Live]:
    def make(**options):
        asks = {"listen": club.listen, "render": club.render, "check": club.check}
        return Live(**{"secrets": [SECRET], **asks, **options})

    return make


@pytest.fixture
def place(make_live) -> Iterator[Place]:
    with Place(make_live(tick_seconds=0.1)) as place:
        yield place
