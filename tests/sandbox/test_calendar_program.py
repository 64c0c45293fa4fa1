"""In the demo an invitation is answered from its mail, as a calendar program would: by mail."""

from portal.sandbox import jobs
from tests.support.inbox import sample

TOKEN = "abcdefghijklmnopqrstuvwx23"


def test_an_invitation_in_the_mailbox_is_answered(client, app, inbox, superuser, alice, supper):
    assert jobs.reply.name == "sandbox.reply"
    superuser.execute(
        "insert into calendar_entries (meeting_id, user_id, token, sequence, method) values (%s, %s, %s, 1, 'REQUEST')",
        [supper.id, alice.id, TOKEN],
    )
    calendar = sample(
        "calendar/samples/rfc5546-3.2.3-reply.ics",
        uid=f"{supper.id}@localhost",
        sequence=1,
        stamp="20261130T200000Z",
        token=TOKEN,
        partstat="NEEDS-ACTION",
        attendee="mailto:alice@club.example",
    ).replace("METHOD:REPLY", "METHOD:REQUEST")
    mail_id = superuser.execute(
        "insert into mails (kind, recipient, subject, created_at, state, method, calendar)"
        " values ('confirmed', 'alice@club.example', 'Supper', now(), 'sent', 'REQUEST', %s) returning id",
        [calendar],
    ).fetchone()[0]
    superuser.execute(
        "insert into sandbox_mails (id, recipient, subject, text, received_at)"
        " values (%s, 'alice@club.example', 'Supper', 'Come.', now())",
        [mail_id],
    )
    superuser.execute("update club_clock set is_sandbox = true")
    assert client.submit(f"/sandbox/mailbox/{mail_id}/reply", answer="accepted").status_code == 303
    inbox.work()
    assert superuser.execute("select user_id, answer from meeting_attendances").fetchall() == [(alice.id, "accepted")]
