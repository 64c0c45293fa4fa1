"""The stand-in as a server of its own: API and pages on one address, and a thread that keeps time and tells events."""

import http.client
import json
import logging
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal.sandbox.zoom.api import api
from portal.sandbox.zoom.pages import pages
from portal.sandbox.zoom.problems import CutConnection
from portal.sandbox.zoom.world import World, sign

PATIENCE = 3  # seconds Zoom waits for an answer
TEMPLATES = Path(__file__).parents[3] / "templates" / "sandbox" / "zoom"
log = logging.getLogger(__name__)


class Quiet(WSGIRequestHandler):
    """Says nothing about requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only what failed."""
        if str(code).startswith("5"):
            super().log_request(code, size)


class Server:
    """A running stand-in; `port` 0 is any that is free. With `tells` events go out by themselves, else by `tell`."""

    def __init__(self, world: World, host: str = "127.0.0.1", port: int = 0, *, tells: bool = True) -> None:
        self.world, self._tells, self._stop = world, tells, threading.Event()
        self._app = Flask(__name__, static_folder=None, template_folder=str(TEMPLATES))
        self._app.jinja_env.trim_blocks = self._app.jinja_env.lstrip_blocks = True
        self._app.url_map.merge_slashes = False
        self._app.config["PROPAGATE_EXCEPTIONS"] = True
        self._app.register_blueprint(api(world))
        self._app.register_blueprint(pages(world, self.validate))
        self._http: BaseWSGIServer = make_server(host, port, self._answer, threaded=True, request_handler=Quiet)
        self.port = self._http.port
        world.url = world.url or f"http://{host}:{self.port}"
        self.url = world.url
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._serve, self._tick)]

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

    def tell(self) -> int:
        """Tell everything due, now; how many events."""
        return self.world.tell(self._send)

    def validate(self) -> bool:
        """Whether who listens at the hook knows the secret, as Zoom asks at first and every three days."""
        body, plain, right = self.world.challenge()
        status, answer = _post(self.world.hook, body, sign(body, self.world.secret))
        with suppress(ValueError):
            return status == 200 and json.loads(answer) == {"plainToken": plain, "encryptedToken": right}
        return False

    def _send(self, body: str, headers: dict[str, str]) -> int:
        return _post(self.world.hook, body, headers)[0]

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._app.wsgi_app(environ, start_response)
        except CutConnection:
            with suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError from None  # which the server takes for a reader who left

    def _serve(self) -> None:
        self._http.serve_forever(poll_interval=0.05)

    def _tick(self) -> None:
        while not self._stop.wait(0.5):
            try:
                self.world.advance()
                if self._tells:
                    self.tell()
            except Exception:
                log.exception("the sandbox's Zoom stumbled, and goes on")


def _post(url: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of the answer; status 0 when nobody answered in time."""
    to = urlsplit(url)
    kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    line = kind(to.netloc, timeout=PATIENCE)
    try:
        line.request("POST", to.path or "/", body.encode(), headers)
        answer = line.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        line.close()


def serve(path: Path, url: str, hook: str, secret: str, clock_path: Path | None, users: tuple[str, ...] = ()) -> None:
    """Run until interrupted, at the host and port of `url`; state in `path`, events to `hook` signed with `secret`."""
    at = urlsplit(url)
    server = Server(World(path, url, hook, secret, clock_path, users), at.hostname or "127.0.0.1", at.port or 8002)
    server.start()
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()
