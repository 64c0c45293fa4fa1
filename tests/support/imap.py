"""A mailbox on a real IMAP server that the test started: pymap, from PyPI."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from imap_tools.mailbox import MailBoxUnencrypted

from tests.support.club_server import free_port

WAIT = 20
"""Seconds the server may take to answer."""


@dataclass(frozen=True)
class Mailbox:
    """A folder on a server of this machine, and what a mail server and a mail program do with it."""

    port: int
    user: str = "inbox@club.example"
    password: str = "ge heim/@"
    folder: str = "INBOX"

    @property
    def url(self) -> str:
        """What INBOX_URL is for it."""
        return f"imap://{quote(self.user, '')}:{quote(self.password, '')}@127.0.0.1:{self.port}/{quote(self.folder)}"

    @contextmanager
    def opened(self) -> Iterator[MailBoxUnencrypted]:
        with MailBoxUnencrypted("127.0.0.1", self.port, timeout=WAIT) as box:
            yield box.login(self.user, self.password, self.folder)

    def made(self, folder: str) -> "Mailbox":
        """Another folder of the same server, new."""
        with self.opened() as box:
            box.folder.create(folder)
        return replace(self, folder=folder)

    def deliver(self, *messages: str | bytes) -> None:
        """Messages arrive."""
        with self.opened() as box:
            for message in messages:
                raw = message.encode() if isinstance(message, str) else message
                box.append(b"\r\n".join(raw.splitlines()), self.folder)

    def unread(self) -> int:
        """How many messages nobody has read."""
        with self.opened() as box:
            return len(box.uids("UNSEEN", charset=None))


@contextmanager
def pymap() -> Iterator[Mailbox]:
    """A server that keeps its mails in memory, until the end."""
    mailbox = Mailbox(free_port())
    command: list[str | Path] = [
        Path(sys.executable).parent / "pymap",
        "--host",
        "127.0.0.1",
        "--port",
        str(mailbox.port),
        "--no-tls",
        "dict",
    ]
    serving = subprocess.Popen(
        [*command, "--demo-user", mailbox.user, "--demo-password", mailbox.password], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(mailbox)
        yield mailbox
    finally:
        serving.terminate()
        serving.wait(WAIT)


def wait_for(mailbox: Mailbox) -> None:
    """Until its server answers. Raises OSError."""
    end = time.monotonic() + WAIT
    while True:
        try:
            mailbox.unread()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
