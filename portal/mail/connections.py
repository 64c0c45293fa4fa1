"""Conversations with a mail server that are kept open for the next mail, instead of a greeting, TLS and a password for each."""

import smtplib
from contextlib import suppress
from threading import Lock, Timer
from time import monotonic

IDLE = 5.0
"""So many seconds one is kept without a mail; servers wait longer (RFC 5321 4.5.3.2.7)."""


class Connections:
    """The idle connections to one mail server, each signed in. Threads share them, and each is used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[tuple[float, smtplib.SMTP]] = []
        self._timer: Timer | None = None

    def take(self) -> smtplib.SMTP | None:
        """Take a connection that still answers; None if there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                _, server = self._idle.pop()
            with suppress(smtplib.SMTPException, OSError):
                if server.rset()[0] == 250:
                    return server
            server.close()

    def keep(self, server: smtplib.SMTP) -> None:
        """Keep a connection for the next mail."""
        with self._lock:
            self._idle.append((monotonic(), server))
            self._watch()

    def _watch(self) -> None:
        if self._idle and self._timer is None:
            self._timer = Timer(IDLE, self._close_idle)
            self._timer.daemon = True
            self._timer.start()

    def _close_idle(self) -> None:
        with self._lock:
            since = monotonic() - IDLE
            old = [server for at, server in self._idle if at <= since]
            self._idle = [(at, server) for at, server in self._idle if at > since]
            self._timer = None
            self._watch()
        for server in old:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()


_of: dict[str, Connections] = {}


def connections(url: str) -> Connections:
    """The idle connections of this process to the server of a MAIL_URL."""
    return _of.setdefault(url, Connections())
