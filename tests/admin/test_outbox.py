"""The outbox, read: what was sent to whom and why not, one mail as it was sent, again; never what opens something."""

import re
from datetime import timedelta

import psycopg
import pytest

from portal import mail
from portal.database import db
from portal.database.identity import ANONYMOUS, act_as
from portal.mail import Invitation, Message
from tests.accounts.conftest import PASSWORD, cheap_hashes, with_password  # noqa: F401 - fixtures
from tests.support.reading import link, one, operations, rows, words

HELLO = Message("Hello Alice", "Good evening", ("We are open.",), "You asked.", button=("/meetings", "Come in"))


@pytest.fixture
def write(app, people):
    """`write("alice@club.example")`: a mail into the outbox, as a request of the portal does."""

    def put(recipient="alice@club.example", message=HELLO, kind="known", **more):
        with app.app_context():
            act_as(db.session(), ANONYMOUS)
            mail.write(db.session(), kind, recipient, message, **more)
            db.session.commit()

    return put


@pytest.fixture
def paths(superuser):
    """`paths()`: the pages of all mails, the newest first."""
    return lambda: [
        f"/admin/outbox/{row[0]}" for row in superuser.execute("select id from mails order by created_at desc, id desc")
    ]


def set_state(superuser, state, failure=None, where="true"):
    superuser.execute(f"update mails set state = %s, failure = %s where {where}".encode(), [state, failure])


# --- the list ----------------------------------------------------------------------------------------------------------


def test_it_says_what_was_written_to_whom_and_how_that_went(desk, write, work, superuser, alice):
    write(user_id=alice.id)
    work()
    write("bob@club.example", kind="moved")
    set_state(superuser, "failed", "the mail server refused the address (550)", "kind = 'moved'")
    failed, sent = rows(desk.get("/admin/outbox"), "tr")[1:]
    assert "bob@club.example" in failed and "Changes" in failed
    assert "Failed The mail server refused the address (550)." in failed
    assert "Hello Alice" in sent and "Your account" in sent and sent.endswith("Sent")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=failed", ["bob"]),
        ("category=change", ["bob"]),
        ("category=security", ["alice"]),
        ("q=ALICE@club.example", ["alice"]),
        ("q=ali", ["alice"]),
        ("q=ali&category=change", []),
        ("q=nobody", []),
        ("category=change&state=failed&q=bob@club.example", ["bob"]),
    ],
)
def test_it_is_filtered(query, found, desk, write, superuser, alice, bob):
    write(user_id=alice.id)
    write(bob.email, kind="moved", user_id=bob.id)
    set_state(superuser, "failed", "x", "kind = 'moved'")
    lines = rows(desk.get(f"/admin/outbox?{query}"), "tr")[1:]
    assert [re.search(r"(\w+)@club", line)[1] for line in lines] == found


def test_by_person_and_by_meeting_it_is_linked_from_their_pages(desk, write, alice, bob, supper):
    write(user_id=alice.id)
    write(bob.email, kind="moved", user_id=bob.id, meeting_id=supper.id)
    hers = desk.get(link(desk.get(f"/admin/people/{alice.id}"), "Mails"))
    its = desk.get(link(desk.get(f"/admin/meetings/{supper.id}"), "Mails"))
    assert "Mails around Alice" in words(hers) and len(rows(hers, "tr")) == 2
    assert "Mails around Supper" in words(its) and "bob@club.example" in rows(its, "tr")[1]


@pytest.mark.parametrize("query", ["", "state=queued&", "q=alice@club.example&", "q=ali&", "category=security&"])
def test_every_mail_is_on_one_page_of_it(query, desk, superuser, alice, now):
    with superuser.transaction():
        for number in range(85):
            superuser.execute(
                "insert into mails (kind, user_id, recipient, subject, text, created_at) values ('known', %s, %s, %s, 'x', %s)",
                [alice.id, alice.email, f"Number {number}", now - timedelta(seconds=number // 3)],
            )
    seen, path = [], f"/admin/outbox?{query}"
    while path:
        answer = desk.get(path)
        seen += re.findall(r"Number \d+", "".join(rows(answer, "tr")))
        path = link(answer, "Older")
    assert len(seen) == len(set(seen)) == 85


def test_an_odd_question_finds_nothing_and_breaks_nothing(desk):
    assert desk.get("/admin/outbox?person=x").status_code == 404
    assert desk.get("/admin/outbox?state=odd&category=odd&from=odd").status_code == 200


# --- one mail ----------------------------------------------------------------------------------------------------------


def test_one_mail_is_shown_as_it_was_sent(desk, write, paths, superuser, alice, supper):
    write(kind="moved", user_id=alice.id, meeting_id=supper.id, invitation=Invitation("REQUEST", "BEGIN:VCALENDAR"))
    (path,) = paths()
    answer = desk.get(path)
    assert "We are open." in answer.text and "BEGIN:VCALENDAR" in answer.text
    assert re.search(rf'<iframe [^>]*src="{path}/page"[^>]* sandbox[ >]', answer.text)
    assert link(answer, "Supper") == f"/admin/meetings/{supper.id}"
    assert desk.get(f"{path}/page").text == one(superuser, "select html from mails")


def test_the_frame_holds_whatever_a_mail_holds(desk, write, paths):
    write()
    (path,) = paths()
    policy = desk.get(f"{path}/page").headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
    around = desk.get(path).headers["Content-Security-Policy"]
    assert around.endswith("frame-src 'self'") and "unsafe" not in around


def test_reading_is_logged_once_for_page_and_frame(desk, write, paths, superuser, alice, dora):
    write(user_id=alice.id)
    (path,) = paths()
    desk.get(path), desk.get(f"{path}/page")
    noted = superuser.execute("select user_id, subject_id from system_logs where operation = 'mail.opened'").fetchall()
    assert noted == [(dora.id, alice.id)]
    assert "Dora read a mail to Alice in the outbox" in words(desk.get("/admin/log"))


def test_what_is_written_when_it_leaves_says_so_while_it_waits(desk, write, paths, superuser):
    write(kind="digest")
    superuser.execute("update mails set text = null, html = null")
    assert "It is written when it leaves." in words(desk.get(*paths()))


def test_forgotten_words_are_not_shown(desk, write, paths, superuser):
    write()
    superuser.execute("update mails set text = null, html = null, state = 'sent'")
    (path,) = paths()
    assert "kept for 90 days" in words(desk.get(path)) and "Send it again" not in desk.get(path).text
    assert desk.get(f"{path}/page").status_code == 404


@pytest.mark.parametrize(
    ("state", "failure", "sentence"),
    [
        ("queued", "not yet: SMTPServerDisconnected", "The mail server did not take it yet (SMTPServerDisconnected)."),
        ("failed", "not yet: timeout", "The mail server did not take it in three days (timeout)."),
        ("failed", "no mail server takes this address", "No mail server takes this address."),
        ("dropped", "The meeting has begun.", "The meeting has begun."),
        ("dropped", None, "The account was closed before it left."),
    ],
)
def test_why_not_is_a_sentence(state, failure, sentence, desk, write, paths, superuser):
    write()
    set_state(superuser, state, failure)
    assert sentence in words(desk.get(paths()[0]))


# --- what opens something ----------------------------------------------------------------------------------------------

LIVE = re.compile(r"https://localhost(/\S+/[\w-]{30,})|\b(\d{6})\b")


@pytest.fixture
def secrets(client, sign_in, with_password, alice, charlie, work, superuser):  # noqa: F811
    """Every link and code that is alive: a sign-up, a reset, a new address, a family invitation, a lost second factor."""
    client.submit("/sign-up", email="new@x.example", first_name="N", timezone="UTC")
    client.submit("/reset", email=alice.email)
    work()
    sign_in(with_password(charlie)).submit("/account/address", email="later@x.example", password=PASSWORD)
    sign_in(alice).submit("/family/invitations", email="friend@x.example")
    texts = superuser.execute("select text from mails where secret and text is not null").fetchall()
    texts += superuser.execute("select text from sandbox_mails").fetchall()
    return {path or code for (text,) in texts for path, code in LIVE.findall(text)}


def test_no_page_of_the_outbox_shows_what_opens_something(desk, secrets, paths, superuser):
    kinds = {row[0] for row in superuser.execute("select distinct kind from mails where secret").fetchall()}
    assert {"verify", "reset", "address", "family-invitation"} <= kinds and len(secrets) >= 5
    pages = [
        "/admin/outbox",
        "/admin/outbox?state=queued",
        "/admin/outbox?state=sent",
        "/admin/outbox?category=security",
    ]
    pages += [f"{path}{part}" for path in paths() for part in ("", "/page")]
    for path in pages:
        text = desk.get(path).text
        assert not [secret for secret in secrets if secret.rpartition("/")[2] in text], path


def test_of_such_a_mail_kind_time_state_and_failure_are_shown(desk, write, paths, superuser):
    write(kind="reset", secret=True)
    (path,) = paths()
    shown = words(desk.get(path))
    assert "Holds a link or code" in shown and "Your account" in shown and "Waiting" in shown
    assert "We are open." not in shown and "Hello Alice" not in shown
    assert desk.get(f"{path}/page").status_code == 404
    assert "mail.opened" not in operations(superuser)


def test_nobody_reads_there_how_to_answer_or_unsubscribe_for_somebody(desk, write, paths, superuser, alice, supper):
    token = "a2" * 13
    folded = f"BEGIN:VCALENDAR\r\nORGANIZER:mailto:inbox+{token[:9]}\r\n {token[9:]}@club.example\r\n"
    write(kind="confirmed", user_id=alice.id, meeting_id=supper.id, invitation=Invitation("REQUEST", folded))
    (unsubscribing,) = set(re.findall(r"/unsubscribe/([\w.-]+)", one(superuser, "select text || html from mails")))
    (path,) = paths()
    shown = desk.get(path).text + desk.get(f"{path}/page").text
    assert "inbox+…@club.example" in shown and token[9:] not in shown
    assert "/unsubscribe/…" in shown and unsubscribing not in shown


@pytest.mark.parametrize("state", ["queued", "sent", "failed"])
def test_it_is_neither_sent_again_nor_tried_again(state, desk, write, paths, superuser):
    write(kind="reset", secret=True)
    set_state(superuser, state)
    (path,) = paths()
    assert [desk.submit(f"{path}/{verb}").status_code for verb in ("again", "retry")] == [409, 409]
    assert one(superuser, "select count(*) from mails") == 1


def test_the_database_gives_its_words_to_no_admin(write, as_, dora, superuser):
    write(kind="reset", secret=True)
    mail_id = one(superuser, "select id from mails")
    with as_(dora) as connection:
        assert connection.execute("select * from mail_body(%s)", [mail_id]).fetchall() == []
        assert connection.execute("select send_mail_again(%s)", [mail_id]).fetchone() == (None,)
    for column in ("text", "html", "calendar", "occasion"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(dora) as connection:
            connection.execute(f"select {column} from mails")


def test_members_read_nobodys_mails(write, as_, alice, sign_in, paths):
    write(user_id=alice.id)
    assert sign_in(alice).get("/admin/outbox").status_code == sign_in(alice).get(paths()[0]).status_code == 404
    with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(alice) as connection:
        connection.execute("select mail_body(%s)", [paths()[0].rpartition("/")[2]])


# --- again -------------------------------------------------------------------------------------------------------------


def test_sent_again_it_is_the_same_words_in_a_mail_of_its_own(desk, write, work, paths, mails, superuser, alice):
    write(user_id=alice.id)
    superuser.execute("update mails set occasion = 'once'")
    work()
    (first,) = paths()
    answer = desk.submit(f"{first}/again")
    work()
    new, old = paths()
    assert (
        answer.location == new and [kept["text"] for kept in mails(alice.email)] == [mails(alice.email)[0]["text"]] * 2
    )
    assert link(desk.get(new), "The mail before it") == old and f'href="{new}"' in desk.get(old).text
    assert "mail.sent-again" in operations(superuser)


def test_sent_again_it_goes_to_the_address_its_person_has_now(desk, write, work, paths, superuser, alice):
    write(user_id=alice.id)
    work()
    superuser.execute("update users set email = 'alice@new.example' where id = %s", [alice.id])
    (first,) = paths()
    desk.submit(f"{first}/again")
    newest = superuser.execute("select recipient from mails order by created_at desc, id desc limit 1").fetchone()
    assert newest == ("alice@new.example",)


def test_what_is_waiting_already_is_not_sent_again(desk, write, paths, superuser):
    write()
    answer = desk.submit(f"{paths()[0]}/again")
    assert answer.status_code == 409 and "This mail cannot be sent again" in words(answer)
    assert one(superuser, "select count(*) from mails") == 1


def test_one_that_failed_is_tried_again(desk, write, work, paths, superuser):
    write()
    work()
    set_state(superuser, "failed", "not yet: timeout")
    desk.submit(f"{paths()[0]}/retry")
    work()
    assert superuser.execute("select state, failure, attempts from mails").fetchone() == ("sent", None, 1)
    assert "mail.retried" in operations(superuser)


def test_one_that_did_not_fail_is_not(desk, write, work, paths):
    write()
    work()
    answer = desk.submit(f"{paths()[0]}/retry")
    assert answer.status_code == 409 and "Only a mail that failed" in words(answer)


def test_all_that_failed_are_tried_again_but_those_that_open_something(desk, write, work, superuser):
    for _ in range(3):
        write()
    write(kind="reset", secret=True)
    set_state(superuser, "failed", "not yet: timeout")
    superuser.execute("delete from procrastinate_jobs")
    assert "Try all failed mails again" in desk.get("/admin/outbox?state=failed").text
    desk.submit("/admin/outbox/retry")
    work()
    assert superuser.execute("select kind, state, count(*) from mails group by 1, 2 order by 1").fetchall() == [
        ("known", "sent", 3),
        ("reset", "failed", 1),
    ]


def test_a_test_mail_goes_to_oneself(desk, work, mails, superuser, dora):
    answer = desk.submit("/admin/outbox/test")
    work()
    assert mails(dora.email)[0]["subject"] == "A test mail"
    assert answer.location == f"/admin/outbox?person={dora.id}" and "Sent" in rows(desk.get(answer.location), "tr")[1]
