"""Streams and pages on one port, for `make run` and small clubs.

A page's thread is taken when its request is there as a whole, and given back before its answer leaves: who sends or
reads slowly holds a connection, and nobody up. No page of ours is longer than memory, so both ways are one piece. (The
library for this, a2wsgi, hands pieces between threads, which costs a page half as much again.) A file that an admin uploads
waits on the disk until it is whole; since anybody may begin to send one, only two do at a time.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from portal.live.sse_client import AsgiMessage, Receive, Send

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

LONGEST = 1024 * 1024
"""Bytes of the longest request: a delivery of Stripe's."""

PATIENCE = 10
"""Seconds for a request to arrive whole."""

FILES = {"/admin/moving": 202_000_000}
"""Where longer ones arrive, and their most bytes; they have ten minutes."""
FILES_PATIENCE, FILES_AT_ONCE = 600, 2

Application = Callable[[AsgiMessage, Receive, Send], Awaitable[None]]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class TooLong(Exception):  # noqa: N818
    """The request is longer than any of ours."""


def combined(live: Application, pages: "WSGIApplication", workers: int, patience: float = PATIENCE) -> Application:
    """An ASGI application that answers `/live/` itself and leaves the rest to `workers` threads of a WSGI one."""
    threads = ThreadPoolExecutor(workers, "page")
    files = asyncio.Semaphore(FILES_AT_ONCE)

    async def portal(scope: AsgiMessage, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith("/live/"):
            await live(scope, receive, send)
            return
        with SpooledTemporaryFile(LONGEST) as request:
            try:
                if scope["method"] == "POST" and scope["path"] in FILES and not files.locked():
                    async with files, asyncio.timeout(FILES_PATIENCE):
                        await _whole(receive, request, FILES[scope["path"]])
                else:
                    async with asyncio.timeout(patience):
                        await _whole(receive, request, LONGEST)
            except TimeoutError:
                status, headers, body = 408, [(b"connection", b"close")], b""
            except TooLong:
                status, headers, body = 413, [(b"connection", b"close")], b""
            else:
                turn = asyncio.get_running_loop().run_in_executor(threads, _answered, pages, environ(scope, request))
                status, headers, body = await turn
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return portal


async def _whole(receive: Receive, request: IO[bytes], most: int) -> None:
    while True:
        message = await receive()
        request.write(message.get("body", b""))
        if request.tell() > most:
            raise TooLong
        if not message.get("more_body"):
            return


def _answered(pages: "WSGIApplication", wsgi_environ: dict[str, object]) -> Answer:
    start: list[Any] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        start[:] = [status, headers]
        return io.BytesIO().write

    try:
        answer = pages(wsgi_environ, start_response)
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 500, [], b""
    status, headers = start
    return int(status[:3]), [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers], body


def environ(scope: AsgiMessage, body: IO[bytes]) -> dict[str, object]:
    """The request as WSGI has it (PEP 3333); `body` was written to its end."""
    length = body.tell()
    body.seek(0)
    wsgi_environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "PATH_INFO": unquote_to_bytes(scope.get("raw_path") or scope["path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "CONTENT_LENGTH": str(length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name or name in (b"content-length", b"transfer-encoding"):
            continue  # X_Forwarded_For must not pass for X-Forwarded-For; the length is what has arrived
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        text = value.decode("latin-1")
        wsgi_environ[key] = (
            f"{wsgi_environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}" if key in wsgi_environ else text
        )
    return wsgi_environ
