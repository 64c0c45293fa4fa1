"""A gate before a stand-in's door: at one chosen call, before it is done or after, something happens once."""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from portal.sandbox import zoom
from portal.sandbox.stripe import Stripe


class Gate:
    """Who is killed at it, and when."""

    _wanted: tuple[str, re.Pattern[str], Callable[[], None]] | None = None
    _turn = threading.Lock()

    def stop_at(self, when: str, call: str, then: Callable[[], object]) -> threading.Event:
        """At the next `call` ("POST /v1/refunds", * for an id): `then`, and "before" it is never done. Set once it came."""
        reached = threading.Event()
        pattern = re.compile(re.escape(call).replace(r"\*", "[^/]+") + "$")

        def come() -> None:
            then()
            reached.set()

        self._wanted = when, pattern, come
        return reached

    def through(self, environ: dict[str, Any], answer: Callable[[], Iterable[bytes]]) -> Iterable[bytes]:
        """One call; `answer` is the stand-in's. Raises ConnectionError for one that is never done."""
        with self._turn:
            found = self._wanted if self._wanted and self._wanted[1].match(_call(environ)) else None
            self._wanted = None if found else self._wanted
        if found is None:
            return answer()
        when, _pattern, then = found
        if when == "before":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            then()
            raise ConnectionError  # which the server takes for a reader who left
        done = answer()
        then()
        return done


class Toll(Gate, Stripe):
    """Stripe behind a gate."""

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One call, through the gate."""
        return self.through(environ, lambda: super(Toll, self).wsgi(environ, start_response))


class ZoomGate(Gate, zoom.Server):
    """Zoom behind a gate."""

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.through(environ, lambda: super(ZoomGate, self)._answer(environ, start_response))


def _call(environ: dict[str, Any]) -> str:
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
