"""One open stream, and how it is given something without waiting for it."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

from portal.live.token import Ticket

AsgiMessage: TypeAlias = MutableMapping[str, Any]  # ASGI's own type
Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]

DONE = object()


@dataclass(slots=True, eq=False)
class SseClient:
    """A client of one stream, known by the way to send to it."""

    send: Send
    ticket: Ticket
    ask_at: float = 0
    """When the database is next asked whether the ticket holds, in seconds since 1970."""

    def take(self, message: AsgiMessage) -> bool:
        """Give the reader a message; False if it has not yet taken the ones before.

        As long as the server keeps room for this reader, the first step of `send` is the last.
        """
        try:
            return next(self.send(message).__await__(), DONE) is DONE
        except OSError:
            return False


def body(content: bytes, *, more: bool = True) -> AsgiMessage:
    """A piece of the stream, or its end."""
    return {"type": "http.response.body", "body": content, "more_body": more}


def event(html: bytes) -> AsgiMessage:
    """The event that carries this HTML; its id tells one content from another."""
    revision = blake2b(html, digest_size=8).hexdigest().encode()
    lines = b"".join(b"data: %b\n" % line for line in html.splitlines())
    return body(b"id: %b\n%b\n" % (revision, lines))
