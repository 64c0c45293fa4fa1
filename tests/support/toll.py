"""A gate before the stand-in's door: at one chosen call, before it is done or after, something happens once."""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe.problems import CutConnection


class Toll(Stripe):
    """The account, and who is killed at its gate."""

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

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One call, through the gate."""
        with self._turn:
            found = self._wanted if self._wanted and self._wanted[1].match(_call(environ)) else None
            self._wanted = None if found else self._wanted
        if found is None:
            return super().wsgi(environ, start_response)
        when, _pattern, then = found
        if when == "before":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            then()
            raise CutConnection
        done = super().wsgi(environ, start_response)
        then()
        return done


def _call(environ: dict[str, Any]) -> str:
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
