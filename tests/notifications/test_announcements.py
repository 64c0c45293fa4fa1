"""A host writes to the people of an evening, an admin to members: looked at, tried, sent, taken back, stopped, logged."""

import threading
from datetime import timedelta

import psycopg
import pytest

from portal import clock
from portal.notifications import jobs, sending
from tests.notifications.conftest import MINUTE, TEXT
from tests.support.cast import crowd
from tests.support.reading import answers, do, invite, link, one, operations, plan, said_at, until_somebody_waits, words

BY_ADMIN = {"audience": "coming", "subject": "Bring a spoon", "body": TEXT}


def state(superuser):
    return one(superuser, "select state from announcements order by written_at desc limit 1")


def path_of(superuser):
    return f"/messages/{one(superuser, 'select id from announcements order by written_at desc limit 1')}"


# --- a host writes -----------------------------------------------------------------------------------------------------


def test_a_host_sees_the_mail_and_the_number_before_it_leaves(write, charlie, evening):
    page = words(write(charlie, evening, step="preview"))
    assert "A message from your host: Supper" in page and "Hello Charlie, Charlie hosts Supper and writes:" in page
    assert "Please bring a spoon." in page and "It reaches 1 person just now." in page and "Alice" not in page


def test_a_minute_later_it_is_written_to_those_who_are_coming(write, later, work, mails, charlie, evening):
    answer = write(charlie, evening)
    later()
    work()
    (mail,) = mails("alice@club.example")
    assert answer.status_code == 303 and answer.location.startswith("/messages/")
    assert mail["subject"] == "A message from your host: Supper"
    assert (
        "Hello Alice, Charlie hosts Supper and writes:\n\nPlease bring a spoon.\n\nThere will be soup." in mail["text"]
    )
    assert "A message from your host: Supper" not in [mail["subject"] for mail in mails("bob@club.example")]


@pytest.mark.parametrize(
    ("audience", "reached"), [("coming", ["alice"]), ("waiting", ["bob"]), ("unanswered", ["dora"])]
)
def test_each_group_is_its_own(audience, reached, write, later, written, superuser, charlie, dora, evening):
    invite(superuser, dora, evening)
    write(charlie, evening, audience=audience)
    later()
    assert written() == [f"{name}@club.example" for name in reached]


def test_a_host_does_not_write_to_all_members_because_everybody_is_invited(write, superuser, charlie, dora, evening):
    invite(superuser, dora, evening, is_general=True)
    answer = write(charlie, evening, audience="unanswered")
    assert answer.status_code == 409 and "Nobody is in this group just now." in words(answer)


def test_an_admin_writes_to_them(write, later, written, superuser, alice, dora, evening):
    superuser.execute("delete from meeting_attendances")
    invite(superuser, alice, evening, is_general=True)
    write(dora, evening, **BY_ADMIN | {"audience": "unanswered"})
    later()
    assert written() == [alice.email]


def test_the_page_says_when_it_leaves_and_then_how_far_it_is(write, later, work, sign_in, superuser, charlie, evening):
    write(charlie, evening)
    browser, path = sign_in(charlie), path_of(superuser)
    assert "Leaves at" in words(browser.get(path)) and "Take back" in words(browser.get(path))
    later()
    assert "1 still to send" in words(browser.get(path)) and "Stop the rest" in words(browser.get(path))
    work()
    assert "1 sent" in words(browser.get(path)) and "Stop the rest" not in words(browser.get(path))


def test_a_test_goes_to_the_writer_alone_and_counts_for_nothing(write, work, mails, superuser, charlie, evening):
    page = write(charlie, evening, step="test")
    work()
    assert "A test is on its way to charlie@club.example." in words(page)
    assert mails("charlie@club.example")[0]["subject"] == "A message from your host: Supper"
    assert one(superuser, "select count(*) from announcements") == 0 and mails("alice@club.example") == []


def test_what_was_typed_comes_back_to_be_changed(write, charlie, evening):
    page = write(charlie, evening, step="change").text
    assert "There will be soup.</textarea>" in page and 'value="coming"' in page


def test_it_is_logged_with_group_and_count(write, later, superuser, charlie, evening):
    write(charlie, evening)
    later()
    rows = superuser.execute(
        "select operation, message, metadata ->> 'people' from system_logs where operation like 'announcement.%' order by 1"
    ).fetchall()
    assert rows == [
        ("announcement.sent", "Everybody who is coming", "1"),
        ("announcement.written", "Everybody who is coming", "1"),
    ]


# --- what is refused ---------------------------------------------------------------------------------------------------


def test_who_hosts_another_evening_or_none_finds_no_page(sign_in, write, superuser, alice, bob, charlie, evening):
    plan(superuser, "Lunch", days=2, host_id=bob.id)
    write(charlie, evening)
    for person in (alice, bob):
        assert write(person, evening).status_code == 404
        for path in (f"/meetings/{evening.id}/messages", path_of(superuser)):
            assert sign_in(person).get(path).status_code == 404
        assert sign_in(person).submit(f"{path_of(superuser)}/stop").status_code == 404
    assert state(superuser) == "leaving"


@pytest.mark.parametrize("audience", ["members", "ending", "", "everybody"])
def test_a_host_writes_to_no_other_group(audience, write, superuser, charlie, evening):
    answer = write(charlie, evening, audience=audience)
    assert answer.status_code == 422 and "Choose to whom you write." in said_at(answer, "audience")
    assert one(superuser, "select count(*) from announcements") == 0


@pytest.mark.parametrize("meeting", ["own", None])
@pytest.mark.parametrize("audience", ["members", "ending"])
def test_and_the_database_lets_a_host_reach_none(meeting, audience, as_, charlie, evening):
    days = 30 if audience == "ending" else None
    params = [evening.id if meeting else None, audience, days, "x"]
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)), as_(charlie) as db:
        db.execute("select write_announcement(%s, %s, %s, null, %s)", params)
    if not meeting:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), as_(charlie) as db:
            db.execute("select announcement_size(null, %s, %s)", [audience, days])


def test_of_a_host_no_subject_is_taken(as_, superuser, charlie, evening):
    with as_(charlie) as db:
        db.execute("select write_announcement(%s, 'coming', null, 'Win a prize', 'x')", [evening.id])
    assert one(superuser, "select subject from announcements") is None


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "Write something first."),
        ("\u2800", "Write something first."),
        ("x" * 5001, "Use at most 5,000 characters here."),
    ],
)
def test_a_text_that_will_not_do_is_told_beside_the_field(body, sentence, write, superuser, charlie, evening):
    answer = write(charlie, evening, body=body)
    assert answer.status_code == 422 and said_at(answer, "body") == sentence
    assert one(superuser, "select count(*) from announcements") == 0


def test_the_fourth_message_of_a_day_waits_for_tomorrow(write, superuser, charlie, evening):
    for _ in range(3):
        assert write(charlie, evening).status_code == 303
    answer = write(charlie, evening)
    assert answer.status_code == 409 and "You have written three messages about this meeting within a day." in words(
        answer
    )
    assert one(superuser, "select count(*) from announcements") == 3
    superuser.execute("update announcements set written_at = written_at - interval '25 hours'")
    assert write(charlie, evening).status_code == 303


def test_what_was_taken_back_is_not_counted(write, sign_in, superuser, charlie, evening):
    for _ in range(3):
        write(charlie, evening)
    sign_in(charlie).submit(f"{path_of(superuser)}/stop")
    assert write(charlie, evening).status_code == 303


def test_three_at_once_and_one_more_are_three(as_, superuser, charlie, evening):
    refusals = []

    def press():
        with as_(charlie) as db:
            (row,) = db.execute("select refusal from write_announcement(%s, 'coming', null, null, 'x')", [evening.id])
            refusals.append(row[0])

    threads = [threading.Thread(target=press) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(refusals, key=str) == [None] * 3 + ["often"] * 3


def test_nobody_is_written_to_about_an_evening_that_is_off(write, superuser, charlie, evening):
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill'")
    answer = write(charlie, evening)
    assert answer.status_code == 409 and "This meeting is over or was cancelled" in words(answer)


def test_a_group_of_nobody_is_not_written_to(write, superuser, charlie, evening):
    answer = write(charlie, evening, audience="unanswered")
    assert answer.status_code == 409 and "Nobody is in this group just now." in words(answer)


def test_whose_access_ended_cannot_write(write, superuser, charlie, evening):
    superuser.execute("update users set access_until = now() where id = %s", [charlie.id])
    answer = write(charlie, evening)
    assert answer.status_code == 409 and "Your access has ended" in answer.text


def test_a_host_of_a_private_evening_does_not_learn_who_has_an_account(
    sign_in, write, later, work, superuser, charlie, alice
):
    """How many are invited and have not answered would rise by one for each address with an account."""
    private = plan(superuser, "Secret", host_id=charlie.id, is_private=True)
    invite(superuser, alice, private)
    page = words(write(charlie, private, audience="unanswered", step="preview"))
    assert "that would tell who has an account here" in page and "It reaches" not in page
    write(charlie, private, audience="unanswered")
    later()
    work()
    told = words(sign_in(charlie).get(path_of(superuser)))
    assert "Sent" in told and "1 sent" not in told


# --- who is left out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "update users set is_active = false where email like 'alice@%'",
        "update users set access_until = now() - interval '1 second' where email like 'alice@%'",
        "insert into mail_preferences (user_id, switched_off)"
        " select id, '{announcement}' from users where email like 'alice@%'",
    ],
)
def test_the_suspended_the_lapsed_and_the_unwilling_get_none(
    change, write, later, written, superuser, charlie, evening
):
    """As it is when the message is written out, not when the button is pressed."""
    write(charlie, evening)
    superuser.execute(change)
    later()
    assert written() == [] and state(superuser) == "sent"


def test_who_was_suspended_while_the_mail_waited_gets_none(
    write, later, work, mails, superuser, alice, charlie, evening
):
    write(charlie, evening)
    later()
    superuser.execute("update users set is_active = false where id = %s", [alice.id])
    work()
    assert mails(alice.email) == []
    assert one(superuser, "select failure from mails where state = 'dropped'") == "The account was suspended or closed."


def test_closing_the_account_stops_what_was_being_sent(write, later, written, as_, superuser, charlie, evening):
    write(charlie, evening)
    with as_(charlie) as db:
        db.execute("select auth.close_account()")
    later()
    assert written() == [] and superuser.execute("select state, body from announcements").fetchone() == ("stopped", "")


# --- taken back and stopped --------------------------------------------------------------------------------------------


def test_taken_back_within_the_minute_it_reaches_nobody(write, later, written, sign_in, superuser, charlie, evening):
    write(charlie, evening)
    answer = sign_in(charlie).submit(f"{path_of(superuser)}/stop")
    later()
    assert answer.status_code == 303 and state(superuser) == "taken-back" and written() == []
    assert "announcement.taken-back" in operations(superuser)


def test_before_its_minute_is_over_no_job_sends_it(write, worker_app, written, superuser, charlie, evening):
    write(charlie, evening)
    announcement = str(one(superuser, "select id from announcements"))
    do(worker_app, jobs.send_announcement, announcement_id=announcement)
    assert written() == [] and state(superuser) == "leaving"


def test_stopped_in_the_middle_the_rest_is_dropped_with_its_reason(
    write, later, work, sign_in, mails, superuser, alice, charlie, evening
):
    write(charlie, evening)
    later()
    sign_in(charlie).submit(f"{path_of(superuser)}/stop")
    work()
    assert state(superuser) == "stopped" and mails(alice.email) == []
    assert one(superuser, "select failure from mails where state = 'dropped'") == sending.OBSTACLES["stopped"]
    assert "1 not sent" in words(sign_in(charlie).get(path_of(superuser)))


def test_there_is_nothing_to_stop_when_all_has_left(write, later, work, sign_in, superuser, charlie, evening):
    write(charlie, evening)
    later()
    work()
    answer = sign_in(charlie).submit(f"{path_of(superuser)}/stop")
    assert answer.status_code == 409 and "There is nothing left to stop" in words(answer)
    assert state(superuser) == "sent"


def test_who_stops_it_waits_for_the_batch_that_is_written_and_ends_it_there(
    write, superuser, as_, charlie, evening, monkeypatch, worker_app, written
):
    answers(superuser, evening.id, accepted=crowd(superuser, 30))
    write(charlie, evening)
    announcement = str(one(superuser, "select id from announcements"))
    monkeypatch.setattr(sending, "BATCH", 1)
    stopped = []

    def press():
        with as_(charlie) as db:
            stopped.extend(db.execute("select stop_announcement(%s)", [announcement]).fetchone())

    presses = threading.Thread(target=press)
    written_batch = sending._write_to

    def begins(*batch):
        if not presses.is_alive() and not stopped:
            presses.start()
            until_somebody_waits(superuser)
        return written_batch(*batch)

    monkeypatch.setattr(sending, "_write_to", begins)
    do(worker_app, jobs.send_announcement, clock.now() + MINUTE, announcement_id=announcement)
    presses.join()
    assert stopped == ["stopped"] and 0 < len(written()) < 31 and state(superuser) == "stopped"


def test_a_host_who_is_replaced_meanwhile_sends_nothing_more(write, later, written, superuser, bob, charlie, evening):
    write(charlie, evening)
    superuser.execute("update meetings set host_id = %s where id = %s", [bob.id, evening.id])
    later()
    assert written() == [] and state(superuser) == "stopped"
    assert one(superuser, "select reason from announcements") == sending.OBSTACLES["writer"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update meetings set host_id = null", "writer"),
        ("update meetings set status = 'cancelled', cancellation_reason = 'Ill'", "over"),
        ("update users set is_active = false where email like 'charlie@%'", "writer"),
    ],
)
def test_nor_what_was_queued_before(change, reason, write, later, work, mails, superuser, alice, charlie, evening):
    write(charlie, evening)
    later()
    superuser.execute(change)
    work()
    assert mails(alice.email) == []
    assert one(superuser, "select failure from mails where state = 'dropped'") == sending.OBSTACLES[reason]


# --- large, and broken off ---------------------------------------------------------------------------------------------


def test_killed_in_the_middle_it_goes_on_and_writes_to_each_once(
    write, superuser, charlie, evening, monkeypatch, worker_app, written
):
    answers(superuser, evening.id, accepted=crowd(superuser, 10))
    write(charlie, evening)
    announcement = str(one(superuser, "select id from announcements"))
    monkeypatch.setattr(sending, "BATCH", 4)
    batches, write_to = [], sending._write_to

    def dies(*batch):
        batches.append(batch)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return write_to(*batch)

    monkeypatch.setattr(sending, "_write_to", dies)
    with pytest.raises(KeyboardInterrupt):
        do(worker_app, jobs.send_announcement, clock.now() + MINUTE, announcement_id=announcement)
    assert len(written()) == 4
    do(worker_app, jobs.send_announcement, clock.now() + MINUTE, announcement_id=announcement)
    assert len(written()) == len(set(written())) == 11 and state(superuser) == "sent"


def test_what_was_broken_off_is_taken_up_by_the_schedule(write, worker_app, superuser, charlie, evening):
    write(charlie, evening)
    superuser.execute("delete from procrastinate_jobs")
    do(worker_app, jobs.send_unfinished, clock.now() + 3 * MINUTE)
    assert one(superuser, "select count(*) from procrastinate_jobs") == 0
    do(worker_app, jobs.send_unfinished, clock.now() + 7 * MINUTE)
    assert one(superuser, "select task_name from procrastinate_jobs") == "notifications.send_announcement"


# --- an admin writes ---------------------------------------------------------------------------------------------------


def test_an_admin_writes_to_all_members_with_a_subject_of_her_own(sign_in, later, written, superuser, dora, people):
    answer = sign_in(dora).submit("/admin/messages", **BY_ADMIN | {"audience": "members", "step": "send", "days": "30"})
    later()
    assert answer.status_code == 303 and written() == ["alice@club.example", "bob@club.example", "charlie@club.example"]
    mail = superuser.execute("select subject, text from mails limit 1").fetchone()
    assert mail[0] == "Bring a spoon" and "Dora writes to you for Goalete:" in mail[1]


def test_those_whose_access_ends_are_those_with_nothing_that_renews(
    sign_in, later, written, superuser, alice, charlie, dora
):
    soon = clock.now() + timedelta(days=20)
    superuser.execute("update users set access_until = %s where id = any (%s)", [soon, [alice.id, charlie.id]])
    superuser.execute(
        "insert into subscriptions (user_id, provider_subscription_id, status, subscription_type, billing_cycle,"
        " amount_minor, currency, started_at, grace_days)"
        " values (%s, 'sub_1', 'active', 'individual', 'monthly', 1200, 'USD', now(), 7)",
        [charlie.id],
    )
    typed = BY_ADMIN | {"audience": "ending", "step": "send"}
    assert sign_in(dora).submit("/admin/messages", **typed | {"days": "19"}).status_code == 409
    assert sign_in(dora).submit("/admin/messages", **typed | {"days": "30"}).status_code == 303
    later()
    assert written() == ["alice@club.example"]


def test_an_admin_writes_to_the_people_of_any_evening_as_often_as_need_be(
    write, later, written, superuser, dora, evening
):
    for _ in range(4):
        assert write(dora, evening, subject="Bring a spoon").status_code == 303
    later()
    assert written() == ["alice@club.example"]
    assert one(superuser, "select subject from mails") == "Bring a spoon"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("subject", "", "Enter a subject."),
        ("subject", "x" * 151, "Use at most 150 characters here."),
        ("days", "0", "Enter a number of days, from 1 to 365."),
        ("days", "soon", "Enter a number of days, from 1 to 365."),
        ("audience", "coming", "Choose to whom you write."),
    ],
)
def test_what_an_admin_mistyped_is_told_beside_the_field(field, typed, sentence, sign_in, superuser, dora, people):
    form = BY_ADMIN | {"audience": "ending", "days": "30", "step": "send", field: typed}
    answer = sign_in(dora).submit("/admin/messages", **form)
    assert answer.status_code == 422 and said_at(answer, field) == sentence
    assert one(superuser, "select count(*) from announcements") == 0


def test_writing_to_members_asks_for_a_fresh_code(sign_in, superuser, dora, people):
    browser = sign_in(dora)
    superuser.execute("update sign_ins set proved_at = now() - interval '31 minutes'")
    answer = browser.submit("/admin/messages", **BY_ADMIN | {"audience": "members", "days": "30", "step": "send"})
    assert answer.location == "/account/second-factor" and one(superuser, "select count(*) from announcements") == 0


def test_the_way_there(sign_in, dora, charlie, evening):
    assert link(sign_in(dora).get("/admin/people"), "Write to members") == "/admin/messages"
    messages = f"/meetings/{evening.id}/messages"
    assert link(sign_in(dora).get(f"/admin/meetings/{evening.id}"), "Write to its people") == messages
    assert link(sign_in(charlie).get(f"/meetings/{evening.id}"), "Write to the people of this meeting") == messages
