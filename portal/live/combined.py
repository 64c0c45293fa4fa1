"""Streams and pages on one port, for `make run` and small clubs."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi_typing import WSGIApp
from flask import Flask

from portal.live.reader import Message, Receive, Send
from portal.live.stream import Live


def combined(live: Live, pages: Flask, workers: int) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """An ASGI application that answers `/live/` itself and leaves the rest to Flask's threads."""
    flask: Any = WSGIMiddleware(cast(WSGIApp, pages), workers=workers)

    async def portal(scope: Message, receive: Receive, send: Send) -> None:
        async def received() -> Message:
            # a2wsgi needs a coroutine here; granian's own `receive` is another kind of awaitable.
            return await receive()

        streams = scope["type"] == "lifespan" or scope["path"].startswith("/live/")
        await (live(scope, receive, send) if streams else flask(scope, received, send))

    return portal
