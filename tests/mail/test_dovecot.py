"""The inbox on Debian's dovecot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import create_app, mail
from portal.database import db
from portal.mail import Message
from tests.support.dovecot import OverTls
from tests.support.dovecot import dovecot as serving_dovecot
from tests.support.inbox import ADDRESS, Inbox, sample
from tests.support.real_club import certificate as new_certificate
from tests.support.web import settings_for

pytestmark = pytest.mark.server


@pytest.fixture
def dovecot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OverTls]:
    """Dovecot with one mailbox, until the end of the test."""
    signed = new_certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(signed))
    with serving_dovecot(signed) as mailbox:
        yield mailbox


@pytest.fixture
def inbox(dovecot, migrated, database, superuser) -> Iterator[Inbox]:
    """The portal with this mailbox for its inbox."""
    settings = settings_for(migrated, inbox_url=dovecot.url, inbox_address=ADDRESS)
    app = create_app(settings, database_url=settings.worker_url)
    yield Inbox(dovecot, app, database, superuser)
    with app.app_context():
        db.engine.dispose()


def test_a_report_and_an_answer_come_back_through_dovecot(inbox, app, superuser, alice, supper):
    with app.app_context():
        mail.write(db.session(), "known", alice.email, Message("Hello", "Hello", ("Hello.",), "You asked."))
        db.session.commit()
    (mail_id,) = superuser.execute("update mails set state = 'sent', attempts = 1 returning id").fetchone()
    superuser.execute("delete from procrastinate_jobs")
    token = "abcdefghijklmnopqrstuvwx23"
    superuser.execute(
        "insert into calendar_entries (meeting_id, user_id, token, sequence, method) values (%s, %s, %s, 2, 'REQUEST')",
        [supper.id, alice.id, token],
    )
    calendar = sample(
        "calendar/samples/rfc5546-3.2.3-reply.ics",
        uid=f"{supper.id}@localhost",
        sequence=2,
        stamp="20261130T200000Z",
        token=token,
        partstat="ACCEPTED",
        attendee=f"mailto:{alice.email}",
    )
    inbox.read(
        "From: Ana <ana@far.example>\nSubject: Hello\n\nA letter.\n",
        sample("mail/samples/ours/rfc3464-failed.eml", mail_id=mail_id, recipient=alice.email, status="5.1.1"),
        sample(
            "calendar/samples/rfc6047-4.3-reply.eml",
            sender=alice.email,
            recipient=f"inbox+{token}@club.example",
            calendar=calendar,
        ),
    )
    inbox.read()
    assert [(kind, applied) for kind, _, applied in inbox.rows()] == [
        ("letter", False),
        ("bounce", True),
        ("reply", True),
    ]
    assert superuser.execute("select address_key, hard from unreachable_addresses").fetchall() == [(alice.email, True)]
    assert superuser.execute("select user_id, answer from meeting_attendances").fetchall() == [(alice.id, "accepted")]
    assert inbox.mailbox.unread() == 1 and inbox.run()[0]


def test_a_certificate_nobody_vouches_for_is_not_trusted(inbox, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    inbox.read()
    assert inbox.run() == (False, "Nobody vouches for the certificate of localhost.")
