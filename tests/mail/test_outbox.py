"""Mail leaves with the change it tells of, once per occasion, and says only what it should."""

from datetime import timedelta

import psycopg
import pytest

from portal import mail
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.mail import Invitation, Message
from tests.mail.conftest import HELLO


def count(superuser, table="mails"):
    return superuser.execute(f"select count(*) from {table}").fetchone()[0]


def test_a_mail_and_its_job_leave_with_the_change(write, superuser):
    write()
    assert (count(superuser), count(superuser, "procrastinate_jobs")) == (1, 1)


def test_a_change_that_is_taken_back_mails_nobody(app, superuser):
    with app.app_context():
        mail.write(db.session(), "known", "ana@club.example", HELLO)
        db.session.rollback()
    assert (count(superuser), count(superuser, "procrastinate_jobs")) == (0, 0)


def test_an_occasion_is_told_once_however_often_a_job_notices_it(worker_app, superuser):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        for occasion in ("seat:1", "seat:1", "seat:2", "seat:1"):
            mail.write(db.session(), "offer", "ana@club.example", HELLO, occasion=occasion)
            db.session.commit()
    assert (count(superuser), count(superuser, "procrastinate_jobs")) == (2, 2)


def test_the_letter_is_text_and_page_with_the_same_words(write, kept):
    write(
        message=Message(
            "Hello",
            "Good evening",
            ("Come in.",),
            "You asked.",
            details=(("When", "Monday"),),
            button=("/meetings", "Open"),
        )
    )
    assert kept().text == (
        "Good evening\n\nCome in.\n\nWhen: Monday\n\n"
        "Open:\nhttps://localhost/meetings\n\n--\nYou asked.\nGoalete, Istanbul."
    )
    for words in ("Good evening", "Come in.", "When", "Monday", 'href="https://localhost/meetings"', "You asked."):
        assert words in kept().html


def test_names_are_words_in_a_mail_not_markup(write, kept):
    write(
        message=Message(
            "Hello", "<b>Hi</b>", ("<script>x</script> & {{ 7*7 }}",), "Why", button=('/"><i>', '"><img src=x>')
        )
    )
    assert (
        "<script>" not in kept().html
        and "<b>" not in kept().html
        and "<img" not in kept().html
        and "49" not in kept().html
    )
    assert "<script>x</script> & {{ 7*7 }}" in kept().text


def test_a_subject_is_one_line_whatever_a_name_holds(write, kept):
    write(message=Message("Hello\r\nBcc: all@club.example\n\nBody", "H", (), ""))
    assert kept().subject == "Hello Bcc: all@club.example Body"


@pytest.mark.parametrize("address", ["ana@club.example\nBcc: x@y.example", "a b@club.example", "ana@club.example\x00"])
def test_an_address_with_a_break_in_it_is_not_kept(address, write):
    with pytest.raises(Exception, match=r"check_recipient|NUL"):
        write(recipient=address)


def test_the_web_login_writes_mail_and_reads_none(as_, alice, dora, write):
    write()
    for person in (None, alice, dora):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(person) as connection:
            connection.execute("select text from mails")


def test_the_web_login_cannot_mark_mail_as_sent(as_, alice):
    row = (
        "insert into mails (kind, recipient, subject, state, created_at)"
        " values ('x', 'a@b.example', 'x', 'sent', now())"
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(alice) as connection:
        connection.execute(row)


# --- the sandbox's mailbox -------------------------------------------------------------------------------------------


def test_the_sandbox_shows_the_mail_it_would_have_sent(write, work, client, kept):
    write()
    work()
    assert (kept().state, kept().attempts, kept().failure) == ("sent", 1, None)
    assert "Hello" in client.get("/sandbox/mailbox?q=ana@club.example").text
    assert "We are open." in client.get(f"/sandbox/mailbox/{kept().id}").text


def test_a_secret_body_is_forgotten_once_it_left(write, work, kept, mails):
    write(secret=True)
    assert kept().text
    work()
    assert (kept().text, kept().html) == (None, None)
    assert "We are open." in mails("ana@club.example")[0]["text"]


def test_a_job_done_again_sends_nothing_again(write, work, superuser, kept):
    write()
    work()
    superuser.execute(
        "insert into procrastinate_jobs (task_name, queue_name, args) values"
        " ('mail.deliver', 'default', jsonb_build_object('mail_id', %s::text))",
        [kept().id],
    )
    work()
    assert kept().attempts == 1 and count(superuser, "sandbox_mails") == 1


def test_a_job_whose_mail_is_gone_is_done(write, work, superuser):
    write()
    superuser.execute("delete from mails")
    work()
    assert superuser.execute("select status from procrastinate_jobs where task_name = 'mail.deliver'").fetchall() == [
        ("succeeded",)
    ]


def test_bodies_and_invitations_are_kept_for_ninety_days(write, superuser, work, now):
    for days, state in ((89, "sent"), (91, "sent"), (92, "queued")):
        write(f"{days}@club.example", invitation=Invitation("REQUEST", "BEGIN:VCALENDAR"))
        superuser.execute(
            "update mails set created_at = %s, state = %s where recipient = %s",
            [now - timedelta(days=days), state, f"{days}@club.example"],
        )
    superuser.execute("update procrastinate_jobs set task_name = 'mail.forget', args = '{\"timestamp\": 0}'")
    work()
    kept = superuser.execute(
        "select recipient from mails where text is not null and html is not null and calendar is not null order by recipient"
    ).fetchall()
    assert kept == [("89@club.example",), ("92@club.example",)]


def test_how_many_wait_is_counted(write, worker_app, work):
    def waiting():
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            return mail.waiting(db.session())

    write()
    assert waiting() == 1
    work()
    assert waiting() == 0
