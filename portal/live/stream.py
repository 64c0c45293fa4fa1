"""The event stream: a meeting is drawn once per audience and handed to every reader."""

import asyncio
import hmac
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import choice, randbelow
from typing import TypeAlias
from urllib.parse import parse_qs

from portal.live.cached_fragments import CachedFragments, Key, RenderedFragment
from portal.live.sse_client import AsgiMessage, Receive, Send, SseClient, body
from portal.live.stopping import before_stopping
from portal.live.token import Ticket, admit

Listen: TypeAlias = Callable[["Live"], Awaitable[None]]
Render: TypeAlias = Callable[[Sequence[Key]], Awaitable[Mapping[Key, RenderedFragment]]]
Check: TypeAlias = Callable[[Sequence[Ticket]], Awaitable[Sequence[bool]]]

GATHER_SECONDS = REST_SECONDS = 0.05  # together: about ten events a second
ASK_AGAIN_SECONDS = range(30, 55)
"""How long a stream goes on before the database is asked again: whatever ends a right, it ends within a minute."""
STREAMS_EACH = 20
"""How many streams one sign-in may have open at once."""
ASKED_AT_ONCE = 500
"""Tickets the database is asked about in one go."""
HEARTBEAT = body(b": \n")
STREAM = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no"))
TOO_MANY = 429, "Too many pages of this sign-in are open at once."
TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)

logger = logging.getLogger(__name__)


class Live:
    """The ASGI application that answers `GET /live/meetings?token=…` with an endless stream.

    `listen` tells us what changed, `render` draws everything that is due in one go (a meeting it
    leaves out is gone, and its streams end), `check` asks the database which tickets still hold.
    `GET /live/healthz` is for machines, and so is `/live/metrics` for whoever has its token. While it is
    `in_maintenance` (asked every tick) no stream is open.
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
        metrics_token: str = "",
        in_maintenance: Callable[[], bool] = lambda: False,
    ) -> None:
        self._metrics_token, self._in_maintenance = metrics_token, in_maintenance
        self._secrets = secrets
        self._listen, self._render, self._check, self._now = listen, render, check, now
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers]
        self._headers.append((b"cache-control", b"no-store"))
        self._tick_seconds, self._heartbeat_seconds = tick_seconds, heartbeat_seconds
        self._fragments = CachedFragments()
        self._stirred = asyncio.Event()
        self._sign_outs = 0
        self._open: Counter[str] = Counter()
        self._listening = self._closing = False
        self._tasks: list[asyncio.Future[None]] = []

    @property
    def healthy(self) -> bool:
        """Whether changes reach us, and through us the readers."""
        return self._listening and not any(task.done() for task in self._tasks)

    @property
    def clients(self) -> int:
        """How many streams are open."""
        return len(self._fragments.clients())

    def changed(self, meeting: str) -> None:
        """Draw this meeting again soon; a burst of changes is drawn once."""
        self._fragments.change(meeting)
        self._stirred.set()

    def signed_out(self, sign_in: str) -> None:
        """End the streams of this sign-in now."""
        self._sign_outs += 1
        for client in self._fragments.clients():
            if client.ticket.sign_in == sign_in:
                self._fragments.end(client)

    def listening(self, well: bool) -> None:
        """Note that `listen` hears again, or no longer; what it missed is then made good."""
        self._listening = well
        if well:
            self._sign_outs += 1
            for client in self._fragments.clients():
                client.ask_at = 0
            self._fragments.change_all()
            self._stirred.set()

    def close(self) -> None:
        """End every stream and take no new one."""
        self._closing = True
        for client in self._fragments.clients():
            self._fragments.end(client)

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            answer = await self._admit(scope)
            if isinstance(answer, Ticket):
                await self._stream(SseClient(send, answer, self._ask_at(answer)), receive)
            else:
                status, reason = answer
                await send(self._start(status, TEXT))
                await send(body(reason.encode(), more=False))

    async def _admit(self, scope: AsgiMessage) -> Ticket | tuple[int, str]:
        if scope["path"] == "/live/healthz":
            return (200, "alive\n") if self.healthy else (503, "not hearing of changes\n")
        if scope["path"] == "/live/metrics" and self._metrics_token:
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, f"Bearer {self._metrics_token}".encode()):
                return 401, "The token is missing or wrong.\n"
            return 200, f"# TYPE portal_streams gauge\nportal_streams {self.clients}\n"
        if scope["path"] != "/live/meetings":
            return 404, "There is nothing here."
        if scope["method"] != "GET":
            return 405, "A stream can only be read."
        if dict(scope["headers"]).get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            return 403, "Streams are for the portal's own pages."
        if self._in_maintenance():
            return 503, "The portal is being worked on."
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        ticket = admit(self._secrets, token)
        if ticket and self._open[ticket.sign_in] >= STREAMS_EACH:
            return TOO_MANY
        fitting = ticket and await self._admitted(ticket)
        if fitting is None:
            return 403, "This page is out of date. Please reload it."
        if self._closing:
            return 503, "The portal is restarting."
        if self._open[fitting.sign_in] >= STREAMS_EACH:  # others came while the database answered
            return TOO_MANY
        return fitting

    async def _admitted(self, ticket: Ticket) -> Ticket | None:
        # A sign-out announced while the database answers finds no stream to end: then ask again.
        while True:
            sign_outs = self._sign_outs
            (fitting,) = await self._fitting([ticket])
            if fitting is None or sign_outs == self._sign_outs:
                return fitting

    async def _fitting(self, tickets: Sequence[Ticket]) -> list[Ticket | None]:
        """Each ticket if it holds, the same without names if only the access has ended, or None."""
        valid = dict(zip(tickets, await self._check(tickets), strict=True))
        plain = {each: each.without_names() for each in tickets if not valid[each] and each.audience.names_shown}
        if plain:
            valid |= zip(plain.values(), await self._check(list(plain.values())), strict=True)
        return [next((one for one in (each, plain.get(each)) if one and valid[one]), None) for each in tickets]

    def _start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> AsgiMessage:
        return {"type": "http.response.start", "status": status, "headers": [*headers, *self._headers]}

    async def _stream(self, client: SseClient, receive: Receive) -> None:
        client.take(self._start(200, STREAM))
        # No empty line follows: htmx minds the hint only inside an event with data.
        client.take(body(b"retry: %d\n" % (500 + randbelow(2500))))
        sign_in = client.ticket.sign_in
        self._open[sign_in] += 1
        self._show(client, self._fragments.join(client))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._open[sign_in] -= 1
            if not self._open[sign_in]:
                del self._open[sign_in]
            self._fragments.leave(client)

    def _show(self, client: SseClient, event: AsgiMessage | None) -> None:
        if event is None:
            self._stirred.set()
        elif not client.take(event):
            self._fragments.end(client)

    async def _publish(self) -> None:
        while True:
            await self._stirred.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._stirred.clear()
            if due := self._fragments.take_due(self._now()):
                try:
                    rendered = await self._render(due)
                except Exception:
                    logger.exception("Could not draw %d pictures; the next tick tries again", len(due))
                else:
                    for key in due:
                        self._fragments.show(key, rendered.get(key))
            await asyncio.sleep(REST_SECONDS)

    async def _tick(self) -> None:
        beat = time.monotonic()
        while True:
            await asyncio.sleep(self._tick_seconds)
            self._stirred.set()
            if self._in_maintenance():
                for client in self._fragments.clients():
                    self._fragments.end(client)
            if time.monotonic() - beat >= self._heartbeat_seconds:
                beat = time.monotonic()
                self._fragments.tell(self._fragments.clients(), HEARTBEAT)

    def _ask_at(self, ticket: Ticket, after: float | None = None) -> float:
        """When to ask about a ticket: soon, and to the second when its access ends, if that is `after` a moment."""
        later = self._now().timestamp() + choice(ASK_AGAIN_SECONDS)
        ends = ticket.names_until
        return later if ends is None or (after is not None and ends <= after) else min(ends, later)

    async def _watch(self) -> None:
        # Beside the heartbeat, which waits for no database.
        while True:
            await asyncio.sleep(self._tick_seconds)
            now = self._now().timestamp()
            due = [one for one in self._fragments.clients() if one.ask_at <= now]
            for first in range(0, len(due), ASKED_AT_ONCE):
                await self._recheck(due[first : first + ASKED_AT_ONCE], now)

    async def _recheck(self, clients: Sequence[SseClient], now: float) -> None:
        """End what no longer holds; without access a stream goes on without names."""
        for one in clients:  # before asking: who is to be asked anew meanwhile stays so
            one.ask_at = self._ask_at(one.ticket, after=now)
        try:
            fitting = await self._fitting([one.ticket for one in clients])
        except Exception:
            logger.exception("Could not check %d open streams; the next tick tries again", len(clients))
            for one in clients:
                one.ask_at = 0
            return
        for client, ticket in zip(clients, fitting, strict=True):
            if ticket is None:
                self._fragments.end(client)
            elif ticket.audience != client.ticket.audience:
                self._show(client, self._fragments.move(client, ticket))

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
