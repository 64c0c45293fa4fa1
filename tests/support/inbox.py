"""The portal with an inbox: a folder on a real IMAP server, and the worker that reads it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from portal import create_app
from portal.database import db
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.mail import inbox as portal_inbox
from tests.support.imap import Mailbox, pymap
from tests.support.server import Database
from tests.support.web import settings_for, work_off

SAMPLES = Path(__file__).parent.parent
ADDRESS = "inbox@club.example"
_folders = count(1)


class Inbox:
    """The mailbox, and what the portal makes of it."""

    def __init__(self, mailbox: Mailbox, app: Flask, database: Database, superuser: psycopg.Connection) -> None:
        self.mailbox, self.app, self.database, self.superuser = mailbox, app, database, superuser

    def read(self, *messages: str | bytes) -> None:
        """These arrive, and the worker reads what is new and does what follows."""
        if messages:
            self.mailbox.deliver(*messages)
        with transaction(self.app, WORKER) as session:
            portal_inbox.read(session)
        self.work()

    def work(self) -> None:
        work_off(self.app, self.database)

    def rows(self) -> list[tuple[str, str | None, bool]]:
        """Kind, outcome and whether it was applied, of each message in the order they came."""
        return self.superuser.execute("select kind, outcome, applied from inbox_messages order by uid").fetchall()

    def outcome(self) -> str | None:
        """What was recorded of the last one."""
        return self.rows()[-1][1]

    def run(self) -> tuple[bool, str]:
        """How the last reading of the mailbox went."""
        ((well, outcome),) = self.superuser.execute(
            "select well, outcome from runs where name = 'inbox' order by began_at desc limit 1"
        ).fetchall()
        return well, outcome


@pytest.fixture(scope="session")
def imap_server() -> Iterator[Mailbox]:
    """A real IMAP server, for as long as the tests take."""
    with pymap() as mailbox:
        yield mailbox


@pytest.fixture
def inbox(
    imap_server: Mailbox, migrated: Database, database: Database, superuser: psycopg.Connection
) -> Iterator[Inbox]:
    """A mailbox with nothing in it, and a worker that is told of it."""
    mailbox = imap_server.made(f"Test {next(_folders)}")
    settings = settings_for(migrated, inbox_url=mailbox.url, inbox_address=ADDRESS)
    app = create_app(settings, database_url=settings.worker_url)
    yield Inbox(mailbox, app, database, superuser)
    with app.app_context():
        db.engine.dispose()


def sample(name: str, **values: object) -> str:
    """A sample with these values in it, like `sample("mail/samples/ours/rfc3464-failed.eml", status="5.1.1")`."""
    text = (SAMPLES / name).read_text()
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", str(value))
    return text
