"""The stand-in as a server of its own: both APIs, the token endpoint and the pages on one address."""

import socket
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal.sandbox.meet import api
from portal.sandbox.meet.pages import pages
from portal.sandbox.meet.problems import CutConnection
from portal.sandbox.meet.world import Account, Meet


class Quiet(WSGIRequestHandler):
    """Says nothing about requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only what failed."""
        if str(code).startswith("5"):
            super().log_request(code, size)


class Server:
    """A running stand-in; with `port` 0 on any free port. `url` is how it calls itself, its own address unless given."""

    def __init__(self, world: Meet, host: str = "127.0.0.1", port: int = 0, url: str = "") -> None:
        self.world, self._pages = world, pages(world)
        self._http: BaseWSGIServer = make_server(host, port, self._answer, threaded=True, request_handler=Quiet)
        self.url = world.url = url or f"http://{host}:{self._http.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> "Server":
        """Open the door."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close; the file remembers the rest."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def wait(self) -> None:
        """Stay until interrupted."""
        self._thread.join()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app = api.wsgi if environ["PATH_INFO"].startswith(api.PREFIXES) else None
        try:
            return app(self.world, environ, start_response) if app else self._pages(environ, start_response)
        except CutConnection:
            with suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError from None  # which the server takes for a reader who left


def serve(
    path: Path, url: str, clock_path: Path | None, key_path: Path, organizer: str, accounts: Sequence[Account] = ()
) -> None:
    """Run until interrupted, at `url`: what is remembered is in `path`; the service account's key is made if it is not there."""
    world, place = Meet(path, key_path, organizer, clock_path, accounts), urlsplit(url)
    server = Server(world, place.hostname or "127.0.0.1", place.port or 8003, url).start()
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()
