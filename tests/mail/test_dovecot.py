"""The inbox on Debian's dovecot, over TLS from the first byte, as a real mail provider has it."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal import create_app, mail
from portal.database import db
from portal.mail import Message
from tests.support.club_server import free_port
from tests.support.imap import Mailbox, wait_for
from tests.support.inbox import ADDRESS, Inbox, sample
from tests.support.real_club import certificate as new_certificate
from tests.support.web import settings_for

pytestmark = pytest.mark.server

CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True)
class OverTls(Mailbox):
    """A mailbox whose plain port only the test uses."""

    tls_port: int = 0

    @property
    def url(self) -> str:
        return (
            super().url.replace("imap://", "imaps://").replace(f"127.0.0.1:{self.port}", f"localhost:{self.tls_port}")
        )


@pytest.fixture
def dovecot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OverTls]:
    """Dovecot with one mailbox, until the end of the test."""
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/dovecot-XXXXXX"], text=True).strip())
    signed = new_certificate(folder, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(signed))
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    group = "nogroup" if os.getuid() == 0 else str(os.getgid())
    mailbox = OverTls(free_port(), password="ge-heim", tls_port=free_port())
    values = {"user": user, "group": group, "folder": folder, "certificate": signed, "password": mailbox.password}
    (folder / "dovecot.conf").write_text(CONF.format(plain_port=mailbox.port, port=mailbox.tls_port, **values))
    (folder / "mail").mkdir()
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{user}:{group}", folder / "mail"], check=True)
        folder.chmod(0o755)
    serving = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", folder / "dovecot.conf"])
    try:
        wait_for(mailbox)
        yield mailbox
    finally:
        serving.terminate()
        serving.wait(20)
        subprocess.run(["rm", "-rf", folder], check=True)


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
