"""The stand-in as a server of its own: its API and pages on one address, and a thread that keeps time and tells."""

import http.client
import logging
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal.sandbox.stripe.problems import CutConnection
from portal.sandbox.stripe.world import Delivery, Stripe

PATIENCE = 10
log = logging.getLogger(__name__)


class Quiet(WSGIRequestHandler):
    """Says nothing about requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only what failed."""
        if str(code).startswith("5"):
            super().log_request(code, size)


class Server:
    """A running stand-in."""

    def __init__(self, world: Stripe, host: str = "127.0.0.1", port: int = 8001) -> None:
        self._world, self._stop = world, threading.Event()
        self._http: BaseWSGIServer = make_server(host, port, self._answer, threaded=True, request_handler=Quiet)
        self.port = self._http.port
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._http.serve_forever, self._tick)]

    def start(self) -> "Server":
        """Open the door and start the clock."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Close; what was not told yet is told after the next start."""
        self._stop.set()
        self._http.shutdown()
        for thread in self._threads:
            thread.join()
        self._http.server_close()

    def wait(self) -> None:
        """Stay until interrupted."""
        self._stop.wait()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._world.wsgi(environ, start_response)
        except CutConnection:
            with suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError from None  # which the server takes for a reader who left

    def _tick(self) -> None:
        while not self._stop.wait(1):
            try:
                self._world.advance()
                self._world.deliver(send)
            except Exception:
                log.exception("the sandbox Stripe stumbled, and goes on")


def send(delivery: Delivery) -> int:
    """Tell one event over HTTP: the status, or 0 when nobody answered."""
    to = urlsplit(delivery.url)
    kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    line = kind(to.netloc, timeout=PATIENCE)
    try:
        line.request("POST", to.path or "/", delivery.body.encode(), delivery.headers)
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        line.close()


def serve(world: Stripe, host: str = "127.0.0.1", port: int = 8001) -> None:
    """Run until interrupted."""
    server = Server(world, host, port).start()
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()
