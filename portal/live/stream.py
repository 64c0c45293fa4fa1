"""The event stream: a meeting is drawn once per audience and handed to every reader."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import randbelow
from typing import TypeAlias
from urllib.parse import parse_qs

from portal.live.pictures import Drawing, Key, Pictures
from portal.live.reader import Message, Reader, Receive, Send, body
from portal.live.stopping import before_stopping
from portal.live.token import Ticket, admit

Listen: TypeAlias = Callable[["Live"], Awaitable[None]]
Render: TypeAlias = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Drawing]]]
Check: TypeAlias = Callable[[Sequence[Ticket]], Awaitable[Sequence[bool]]]

GATHER_SECONDS = REST_SECONDS = 0.05  # together: about ten events a second
PROLONGED_SECONDS = 60
"""How often somebody is asked about whose access lasted longer than the ticket said."""
ASKED_AT_ONCE = 500
"""Tickets the database is asked about in one go."""
HEARTBEAT = body(b": \n")
STREAM = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no"))
TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)

logger = logging.getLogger(__name__)


class Live:
    """The ASGI application that answers `GET /live/meetings?token=…` with an endless stream.

    `listen` tells us what changed, `render` draws everything that is due in one go (a meeting it
    leaves out is gone, and its streams end), `check` asks the database which tickets still hold.
    `GET /live/healthz` is for machines.
    """

    def __init__(
        self,
        *,
        secrets: Sequence[str],
        listen: Listen,
        render: Render,
        check: Check,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        headers: Iterable[tuple[str, str]] = (),
        tick_seconds: float = 1.0,
        heartbeat_seconds: float = 25.0,
    ) -> None:
        self._secrets = secrets
        self._listen, self._render, self._check, self._now = listen, render, check, now
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers]
        self._headers.append((b"cache-control", b"no-store"))
        self._tick_seconds, self._heartbeat_seconds = tick_seconds, heartbeat_seconds
        self._pictures = Pictures()
        self._stirred = asyncio.Event()
        self._sign_outs = 0
        self._listening = self._recheck_due = self._closing = False
        self._tasks: list[asyncio.Future[None]] = []

    @property
    def healthy(self) -> bool:
        """Whether changes reach us, and through us the readers."""
        return self._listening and not any(task.done() for task in self._tasks)

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._pictures.readers())

    def changed(self, meeting: str) -> None:
        """Draw this meeting again soon; a burst of changes is drawn once."""
        self._pictures.change(meeting)
        self._stirred.set()

    def signed_out(self, sign_in: str) -> None:
        """End the streams of this sign-in now."""
        self._sign_outs += 1
        for reader in self._pictures.readers():
            if reader.ticket.sign_in == sign_in:
                self._pictures.end(reader)

    def listening(self, well: bool) -> None:
        """Note that `listen` hears again, or no longer; what it missed is then made good."""
        self._listening = well
        if well:
            self._sign_outs += 1
            self._recheck_due = True
            self._pictures.change_all()
            self._stirred.set()

    def close(self) -> None:
        """End every stream and take no new one."""
        self._closing = True
        for reader in self._pictures.readers():
            self._pictures.end(reader)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            answer = await self._admit(scope)
            if isinstance(answer, Ticket):
                await self._stream(Reader(send, answer), receive)
            else:
                status, reason = answer
                await send(self._start(status, TEXT))
                await send(body(reason.encode(), more=False))

    async def _admit(self, scope: Message) -> Ticket | tuple[int, str]:
        if scope["path"] == "/live/healthz":
            return (200, "alive\n") if self.healthy else (503, "not hearing of changes\n")
        if scope["path"] != "/live/meetings":
            return 404, "There is nothing here."
        if scope["method"] != "GET":
            return 405, "A stream can only be read."
        if dict(scope["headers"]).get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            return 403, "Streams are for the portal's own pages."
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ticket = admit(self._secrets, token)
        fitting = ticket and await self._admitted(ticket)
        if fitting is None:
            return 403, "This page is out of date. Please reload it."
        if self._closing:
            return 503, "The portal is restarting."
        return fitting

    async def _admitted(self, ticket: Ticket) -> Ticket | None:
        # A sign-out announced while the database answers finds no stream to end: then ask again.
        while True:
            heard = self._sign_outs
            (fitting,) = await self._fitting([ticket])
            if fitting is None or heard == self._sign_outs:
                return fitting

    async def _fitting(self, tickets: Sequence[Ticket]) -> list[Ticket | None]:
        """Each ticket if it holds, the same without names if only the access has ended, or None."""
        hold = dict(zip(tickets, await self._check(tickets), strict=True))
        plain = {each: each.without_names() for each in tickets if not hold[each] and each.audience.names_shown}
        if plain:
            hold |= zip(plain.values(), await self._check(list(plain.values())), strict=True)
        return [next((one for one in (each, plain.get(each)) if one and hold[one]), None) for each in tickets]

    def _start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> Message:
        return {"type": "http.response.start", "status": status, "headers": [*headers, *self._headers]}

    async def _stream(self, reader: Reader, receive: Receive) -> None:
        reader.take(self._start(200, STREAM))
        # No empty line follows: htmx minds the hint only inside an event with data.
        reader.take(body(b"retry: %d\n" % (500 + randbelow(2500))))
        self._show(reader, self._pictures.join(reader))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._pictures.leave(reader)

    def _show(self, reader: Reader, event: Message | None) -> None:
        if event is None:
            self._stirred.set()
        elif not reader.take(event):
            self._pictures.end(reader)

    async def _publish(self) -> None:
        while True:
            await self._stirred.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._stirred.clear()
            if due := self._pictures.take_due(self._now()):
                try:
                    drawings = await self._render(due)
                except Exception:
                    logger.exception("Could not draw %d pictures; the next tick tries again", len(due))
                else:
                    for key in due:
                        self._pictures.show(key, drawings.get(key))
            await asyncio.sleep(REST_SECONDS)

    async def _tick(self) -> None:
        beat = time.monotonic()
        while True:
            await asyncio.sleep(self._tick_seconds)
            self._stirred.set()
            if time.monotonic() - beat >= self._heartbeat_seconds:
                beat = time.monotonic()
                self._pictures.tell(self._pictures.readers(), HEARTBEAT)

    async def _watch(self) -> None:
        # Beside the heartbeat, which waits for no database.
        while True:
            await asyncio.sleep(self._tick_seconds)
            now = self._now().timestamp()
            due = [
                one
                for one in self._pictures.readers()
                if self._recheck_due or (one.ticket.names_until or now + 1) <= now
            ]
            if due:
                await self._recheck(due, int(now) + PROLONGED_SECONDS)

    async def _recheck(self, readers: Sequence[Reader], ask_again: int) -> None:
        """End what no longer holds; without access a stream goes on without names."""
        all_due, self._recheck_due = self._recheck_due, False
        try:
            for first in range(0, len(readers), ASKED_AT_ONCE):
                some = readers[first : first + ASKED_AT_ONCE]
                for reader, ticket in zip(some, await self._fitting([one.ticket for one in some]), strict=True):
                    if ticket is None:
                        self._pictures.end(reader)
                    elif ticket.audience != reader.ticket.audience:
                        self._show(reader, self._pictures.move(reader, ticket))
                    elif ticket.names_until:  # prolonged meanwhile, nobody told us until when
                        reader.ticket = ticket._replace(names_until=max(ticket.names_until, ask_again))
        except Exception:
            logger.exception("Could not check the open streams; the next tick tries again")
            self._recheck_due = all_due

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        before_stopping(self.close)
        work = (self._listen(self), self._publish(), self._tick(), self._watch())
        self._tasks = [asyncio.ensure_future(task) for task in work]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})
