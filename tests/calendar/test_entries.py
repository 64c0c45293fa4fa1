"""What somebody's calendar is told by mail of a meeting they said yes to, and of what becomes of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal.attendance import jobs as attendance_jobs
from portal.calendar import entries, jobs
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.meetings.actions import cancel, reinstate
from portal.meetings.models import Meeting
from tests.support.reading import answers, do, invite, one, plan, words

HOUR = timedelta(hours=1)
MOVE = """
update meetings set starts_at = starts_at + %(by)s, revision = revision + 1,
       (scheduled_date, start_time) = (select w::date, w::time from (select (starts_at + %(by)s) at time zone timezone) t (w))
 where id = %(id)s
"""


@pytest.fixture
def charlies(sign_in, charlie):
    """Charlie's browser."""
    return sign_in(charlie)


@pytest.fixture
def admins(worker_app):
    """`admins(cancel, meeting, "Ill.")`: what an admin does to a meeting, by the action itself."""

    def act(action, meeting, *more):
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            action(db.session(), db.session.get(Meeting, meeting.id), *more)
            db.session.commit()

    return act


@pytest.fixture
def moves(superuser, worker_app):
    """`moves(meeting, by)`: to another hour, and everybody is told."""

    def move(meeting, by):
        superuser.execute(MOVE, {"by": by, "id": meeting.id})
        do(worker_app, jobs.tell_moved, meeting_id=str(meeting.id))

    return move


def says(browser, meeting, answer):
    assert browser.submit(f"/meetings/{meeting.id}/answer", answer=answer).status_code == 303


def partstat(message):
    return message.event["attendee"].params["partstat"]


# --- a yes and a no --------------------------------------------------------------------------------------------------


def test_a_yes_comes_to_the_calendar(charlies, charlie, supper, sync, messages):
    says(charlies, supper, "accepted")
    sync()
    (mail,) = messages(charlie)
    assert (mail.kind, mail.method, partstat(mail)) == ("confirmed", "REQUEST", "ACCEPTED")
    assert mail.event["attendee"] == f"mailto:{charlie.email}" and mail.event["uid"] == f"{supper.id}@localhost"
    assert mail.event.start == supper.starts_at and f"/meetings/{supper.id}" in mail.event["description"]


def test_it_is_told_once_however_often_the_minute_comes(charlies, charlie, supper, sync, messages):
    says(charlies, supper, "accepted")
    sync()
    says(charlies, supper, "accepted")
    sync()
    assert len(messages(charlie)) == 1


def test_a_no_takes_it_out_again(charlies, charlie, supper, sync, messages):
    for answer in ("accepted", "declined"):
        says(charlies, supper, answer)
        sync()
    first, second = messages(charlie)
    assert (second.kind, second.method, second.event["status"]) == ("withdrawn", "CANCEL", "CANCELLED")
    assert second.event["sequence"] > first.event["sequence"] and second.event["uid"] == first.event["uid"]


def test_a_no_to_what_never_was_in_the_calendar_mails_nothing(charlies, charlie, supper, sync, messages):
    says(charlies, supper, "declined")
    sync()
    assert messages(charlie) == []


def test_what_is_changed_within_moments_ends_in_one_right_mail(charlies, charlie, supper, sync, messages):
    for answer in ("accepted", "declined", "accepted"):
        says(charlies, supper, answer)
    sync()
    assert [mail.method for mail in messages(charlie)] == ["REQUEST"]


def test_a_yes_that_is_taken_back_at_once_mails_nothing(charlies, charlie, supper, sync, messages):
    for answer in ("accepted", "declined"):
        says(charlies, supper, answer)
    sync()
    assert messages(charlie) == []


def test_a_yes_is_not_mailed_before_it_had_a_moment_to_be_taken_back(charlies, charlie, supper, worker_app, messages):
    says(charlies, supper, "accepted")
    do(worker_app, jobs.sync)
    assert messages(charlie) == []


def test_who_waits_has_it_in_the_calendar_when_they_take_the_place(
    sign_in, alice, bob, charlies, charlie, superuser, supper, sync, messages
):
    answers(superuser, supper.id, accepted=[alice, bob])
    says(charlies, supper, "accepted")
    says(sign_in(alice), supper, "declined")
    sync()
    assert [mail.method for mail in messages(charlie)] == [None]
    says(charlies, supper, "accepted")
    sync()
    assert [mail.kind for mail in messages(charlie)] == ["offer", "confirmed"]


def test_everybody_of_the_family_has_it_by_the_mail_that_tells_them(
    sign_in, alice, bob, superuser, supper, sync, messages
):
    superuser.execute("update users set family_may_answer = true where id = %s", [bob.id])
    sign_in(alice).submit(f"/meetings/{supper.id}/together")
    sync()
    assert [(mail.kind, mail.method) for mail in messages(bob)] == [("together", "REQUEST")]
    assert [(mail.kind, mail.method) for mail in messages(alice)] == [("confirmed", "REQUEST")]


def test_whoever_does_without_calendar_mails_still_hears_that_the_family_answered(
    sign_in, alice, bob, superuser, supper, work
):
    superuser.execute("update users set family_may_answer = true where id = %s", [bob.id])
    superuser.execute("insert into mail_preferences (user_id, calendar_mails) values (%s, false)", [bob.id])
    sign_in(alice).submit(f"/meetings/{supper.id}/together")
    work()
    assert superuser.execute("select kind, state, method from mails where user_id = %s", [bob.id]).fetchall() == [
        ("together", "sent", None)
    ]


@pytest.mark.parametrize("answer", ["waitlisted", "invited"])
def test_a_place_that_is_gone_is_no_no(charlies, charlie, supper, sync, messages, superuser, answer):
    says(charlies, supper, "accepted")
    sync()
    since = "now()" if answer == "waitlisted" else "null"
    superuser.execute(f"update meeting_attendances set answer = %s, waiting_since = {since}".encode(), [answer])
    sync()
    mail = messages(charlie)[-1]
    assert (mail.kind, mail.method) == ("withdrawn", "CANCEL")
    assert "you have no place at Supper any more." in mail.text and "not coming" not in mail.text


def test_what_the_minute_told_first_is_not_told_again(charlies, charlie, supper, sync, messages, superuser, worker_app):
    """It may come first where thousands are told of a move one by one."""
    says(charlies, supper, "accepted")
    sync()
    superuser.execute(MOVE, {"by": HOUR, "id": supper.id})
    sync()
    do(worker_app, jobs.tell_moved, meeting_id=str(supper.id))
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.', revision = revision + 1")
    sync()
    do(worker_app, jobs.tell_cancelled, meeting_id=str(supper.id))
    assert [(mail.kind, mail.method) for mail in messages(charlie)] == [
        ("confirmed", "REQUEST"),
        ("moved", "REQUEST"),
        ("cancelled", "CANCEL"),
    ]


def test_a_suspension_takes_it_out_of_the_calendar(charlies, charlie, supper, sync, messages, superuser, worker_app):
    says(charlies, supper, "accepted")
    sync()
    superuser.execute("update users set is_active = false where id = %s", [charlie.id])
    do(worker_app, attendance_jobs.release)
    sync()
    assert [(mail.kind, mail.method) for mail in messages(charlie)][1:] == [("withdrawn", "CANCEL")]


def test_the_hosts_yes_comes_with_the_calendar_object(
    sign_in, charlies, charlie, dora, superuser, circle, sync, messages
):
    says(charlies, circle, "accepted")
    sign_in(dora).submit(f"/meetings/{circle.id}/requests/{charlie.id}", decision="accept")
    sync()
    assert [(mail.kind, mail.method) for mail in messages(charlie)] == [("decision", "REQUEST")]


def test_an_invitation_by_name_asks_in_the_calendar(sign_in, charlies, charlie, dora, secret, sync, messages):
    sign_in(dora).submit(f"/meetings/{secret.id}/guests", addresses=charlie.email)
    sync()
    (mail,) = messages(charlie)
    assert (mail.kind, mail.method, partstat(mail)) == ("invited", "REQUEST", "NEEDS-ACTION")
    says(charlies, secret, "accepted")
    sync()
    assert partstat(messages(charlie)[1]) == "ACCEPTED"
    sign_in(dora).submit(f"/meetings/{secret.id}/guests/{charlie.id}/removal")
    sync()
    assert [(mail.kind, mail.method) for mail in messages(charlie)][2:] == [("taken-back", "CANCEL")]


def test_an_open_evenings_invitations_are_not_mailed(superuser, charlie, supper, sync, messages):
    invite(superuser, charlie, supper)
    assert one(superuser, "select count(*) from calendar_changes") == 0


def test_who_loses_access_loses_the_entry_and_reads_why(
    charlies, charlie, supper, superuser, worker_app, sync, messages
):
    says(charlies, supper, "accepted")
    sync()
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    superuser.execute("select refresh_projection(%s, now())", [charlie.id])
    do(worker_app, attendance_jobs.release)
    sync()
    mail = messages(charlie)[-1]
    assert (mail.kind, mail.method) == ("withdrawn", "CANCEL") and "Your access ended before it." in mail.text


# --- what becomes of the meeting -------------------------------------------------------------------------------------


def test_a_small_move_updates_the_entry_and_keeps_the_answer(charlies, charlie, supper, sync, moves, messages):
    says(charlies, supper, "accepted")
    sync()
    moves(supper, HOUR)
    sync()
    first, second = messages(charlie)
    assert (second.kind, second.method, partstat(second)) == ("moved", "REQUEST", "ACCEPTED")
    assert second.event.start == supper.starts_at + HOUR and second.event["sequence"] > first.event["sequence"]


@pytest.mark.parametrize("by", [[3 * HOUR], [-3 * HOUR], [2 * HOUR, HOUR / 2], [24 * HOUR]])
def test_a_far_move_asks_again_until_it_is_answered(charlies, charlie, supper, sync, moves, messages, superuser, by):
    says(charlies, supper, "accepted")
    sync()
    for step in by:
        moves(supper, step)
    sync()
    mail = messages(charlie)[-1]
    assert partstat(mail) == "NEEDS-ACTION" and mail.subject == "New time, please answer again: Supper"
    assert one(superuser, "select answer from meeting_attendances where not is_general") == "accepted"
    says(charlies, supper, "accepted")
    sync()
    assert (messages(charlie)[-1].kind, partstat(messages(charlie)[-1])) == ("confirmed", "ACCEPTED")


def test_the_page_asks_again_after_a_far_move(charlies, supper, moves):
    says(charlies, supper, "accepted")
    moves(supper, 3 * HOUR)
    assert "Moved: are you still coming?" in words(charlies.get(f"/meetings/{supper.id}"))
    says(charlies, supper, "accepted")
    assert "You’re coming" in words(charlies.get(f"/meetings/{supper.id}"))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("title = 'Dinner'", "changed"),
        ("host_id = '00000000-0000-0000-0000-00000000d04a'", "changed"),
        ("duration = 90", "moved"),
    ],
)
def test_a_new_title_host_or_length_reaches_the_calendar(
    charlies, charlie, supper, superuser, dora, sync, messages, change, kind
):
    says(charlies, supper, "accepted")
    sync()
    superuser.execute(f"update meetings set {change}, revision = revision + 1 where id = %s".encode(), [supper.id])
    sync()
    sync()
    assert [mail.kind for mail in messages(charlie)] == ["confirmed", kind]


def test_smaller_changes_mail_nothing(charlies, charlie, supper, superuser, sync, messages):
    says(charlies, supper, "accepted")
    sync()
    superuser.execute("update meetings set description = 'Bring soup.', max_attendees = 9, revision = revision + 1")
    sync()
    assert len(messages(charlie)) == 1


def test_a_hosts_new_name_is_a_change(charlies, charlie, supper, superuser, dora, sync, messages):
    superuser.execute("update meetings set host_id = %s", [dora.id])
    says(charlies, supper, "accepted")
    sync()
    superuser.execute("update users set first_name = 'Theodora' where id = %s", [dora.id])
    sync()
    assert "Host: Theodora" in messages(charlie)[-1].event["description"]


def test_cancelled_and_held_after_all_are_one_mail_each_with_the_object(
    charlies, charlie, supper, admins, sync, messages
):
    says(charlies, supper, "accepted")
    sync()
    admins(cancel, supper, "Ill.")
    sync()
    admins(reinstate, supper)
    sync()
    assert [(mail.kind, mail.method) for mail in messages(charlie)] == [
        ("confirmed", "REQUEST"),
        ("cancelled", "CANCEL"),
        ("reinstated", "REQUEST"),
    ]
    sequences = [mail.event["sequence"] for mail in messages(charlie)]
    assert sequences == sorted(set(sequences))


def test_who_said_no_hears_nothing_of_a_cancelled_meeting(charlies, charlie, supper, admins, sync, messages):
    says(charlies, supper, "declined")
    admins(cancel, supper, "Ill.")
    sync()
    assert messages(charlie) == []


# --- answers from the calendar, and choices --------------------------------------------------------------------------


def replies(worker_app, charlies, charlie, meeting, answer, partstat):
    says(charlies, meeting, answer)
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        entries.replied(db.session(), meeting.id, charlie.id, partstat)
        db.session.commit()


def test_a_no_that_came_from_the_calendar_is_not_answered_with_a_cancel(
    worker_app, charlies, charlie, supper, moves, sync, messages
):
    says(charlies, supper, "accepted")
    sync()
    replies(worker_app, charlies, charlie, supper, "declined", "DECLINED")
    sync()
    moves(supper, HOUR)
    sync()
    assert len(messages(charlie)) == 1


def test_a_yes_after_such_a_no_is_told_anew(worker_app, charlies, charlie, supper, sync, messages):
    says(charlies, supper, "accepted")
    sync()
    replies(worker_app, charlies, charlie, supper, "declined", "DECLINED")
    says(charlies, supper, "accepted")
    sync()
    assert [mail.method for mail in messages(charlie)] == ["REQUEST", "REQUEST"]


@pytest.mark.parametrize("choice", ["calendar_mails = false", "switched_off = '{confirmation}'"])
def test_who_does_without_calendar_mails_gets_none_and_never_a_cancel(
    charlies, charlie, supper, superuser, sync, messages, choice
):
    superuser.execute("insert into mail_preferences (user_id) values (%s)", [charlie.id])
    superuser.execute(f"update mail_preferences set {choice}".encode())
    for answer in ("accepted", "declined"):
        says(charlies, supper, answer)
        sync()
    assert messages(charlie) == []


def test_other_mails_of_theirs_carry_nothing_then(charlies, charlie, supper, superuser, moves, sync, messages):
    superuser.execute("insert into mail_preferences (user_id, calendar_mails) values (%s, false)", [charlie.id])
    says(charlies, supper, "accepted")
    moves(supper, HOUR)
    sync()
    assert [(mail.kind, mail.method) for mail in messages(charlie)] == [("moved", None)]


@pytest.mark.parametrize(("reminders", "triggers"), [([60], [-60]), ([60, 1440], [-1440, -60]), ([], [])])
def test_the_alarms_are_those_the_person_chose(
    charlies, charlie, supper, superuser, sync, messages, reminders, triggers
):
    superuser.execute("insert into mail_preferences (user_id, reminders) values (%s, %s)", [charlie.id, reminders])
    says(charlies, supper, "accepted")
    sync()
    alarms = messages(charlie)[0].event.walk("VALARM")
    assert [alarm["trigger"].dt / timedelta(minutes=1) for alarm in alarms] == triggers


# --- many at once ----------------------------------------------------------------------------------------------------


def test_a_rule_that_answers_many_evenings_mails_the_three_soonest(superuser, charlie, as_, sync, messages):
    evenings = [plan(superuser, f"Evening {day}", days=day) for day in range(1, 8)]
    with as_(charlie) as transaction:
        for evening in reversed(evenings):
            transaction.execute("select from rsvp(%s, 'accepted')", [evening.id])
    sync()
    sync()
    assert [mail.event["summary"] for mail in messages(charlie)] == ["Evening 1", "Evening 2", "Evening 3"]


def test_the_others_are_mailed_when_they_are_near(superuser, charlie, sync, messages, now):
    evenings = [plan(superuser, f"Evening {day}", days=day) for day in range(1, 8)]
    with superuser.transaction():
        for evening in evenings:
            answers(superuser, evening.id, accepted=[charlie])
    sync()
    sync(evenings[4].starts_at - timedelta(days=2))
    assert [mail.event["summary"] for mail in messages(charlie)][3:] == ["Evening 4", "Evening 5"]


def test_answers_by_hand_are_mailed_however_many(superuser, charlies, charlie, sync, messages):
    for day in range(1, 6):
        says(charlies, plan(superuser, f"Evening {day}", days=day), "accepted")
    sync()
    assert len(messages(charlie)) == 5


def test_two_workers_write_one_mail(charlies, charlie, supper, worker_app, superuser, messages):
    says(charlies, supper, "accepted")
    superuser.execute("update calendar_changes set due_at = now()")
    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(do, worker_app, jobs.sync) for _ in range(2)]:
            done.result()
    assert len(messages(charlie)) == 1


# --- mails that never came -------------------------------------------------------------------------------------------


def fails(superuser, worker_app, charlie, state="failed"):
    """The last mail to Charlie is not delivered."""
    last = one(superuser, "select id from mails where user_id = %s order by created_at desc limit 1", charlie.id)
    superuser.execute("update mails set state = %s where id = %s", [state, last])
    do(worker_app, jobs.note_not_delivered, mail_id=str(last))


@pytest.mark.parametrize("state", ["failed", "dropped"])
def test_a_yes_whose_mail_never_came_is_mailed_again_a_day_later(
    charlies, charlie, superuser, worker_app, sync, messages, now, state
):
    evening = plan(superuser, "Far off", days=9)
    says(charlies, evening, "accepted")
    sync()
    fails(superuser, worker_app, charlie, state)
    sync()
    assert len(messages(charlie)) == 1
    sync(now + timedelta(days=1, minutes=1))
    first, second = messages(charlie)
    assert (second.kind, second.method) == ("confirmed", "REQUEST")
    assert second.event["sequence"] > first.event["sequence"]


def test_a_no_to_what_never_came_needs_no_cancel(charlies, charlie, supper, superuser, worker_app, sync, messages):
    says(charlies, supper, "accepted")
    sync()
    fails(superuser, worker_app, charlie)
    says(charlies, supper, "declined")
    sync()
    assert [mail.method for mail in messages(charlie)] == ["REQUEST"]


def test_a_cancel_that_never_came_is_mailed_again(charlies, charlie, superuser, worker_app, sync, messages, now):
    evening = plan(superuser, "Far off", days=9)
    for answer in ("accepted", "declined"):
        says(charlies, evening, answer)
        sync()
    fails(superuser, worker_app, charlie)
    sync(now + timedelta(days=1, minutes=1))
    mails = messages(charlie)
    assert [mail.method for mail in mails] == ["REQUEST", "CANCEL", "CANCEL"]
    assert mails[2].event["sequence"] > mails[1].event["sequence"]


def test_a_move_that_never_came_leaves_the_old_time_in_the_calendar(
    charlies, charlie, supper, superuser, worker_app, moves, sync, messages
):
    """The next mail of any kind brings the new one."""
    says(charlies, supper, "accepted")
    sync()
    moves(supper, HOUR)
    sync()
    fails(superuser, worker_app, charlie)
    assert one(superuser, "select starts_at from calendar_entries") == supper.starts_at
    superuser.execute("update meetings set title = 'Dinner', revision = revision + 1")
    sync()
    mail = messages(charlie)[-1]
    assert (mail.kind, mail.event.start, mail.event["summary"]) == ("moved", supper.starts_at + HOUR, "Dinner")


def test_a_mail_that_failed_behind_a_newer_one_changes_nothing(
    charlies, charlie, supper, superuser, worker_app, moves, sync, messages
):
    says(charlies, supper, "accepted")
    sync()
    first = one(superuser, "select id from mails where user_id = %s", charlie.id)
    moves(supper, HOUR)
    sync()
    superuser.execute("update mails set state = 'failed' where id = %s", [first])
    do(worker_app, jobs.note_not_delivered, mail_id=str(first))
    sync()
    assert len(messages(charlie)) == 2
    assert one(superuser, "select starts_at from calendar_entries") == supper.starts_at + HOUR


def test_a_mail_that_is_dropped_or_comes_back_is_noted(charlies, charlie, supper, superuser, sync, work):
    """Her address sends mails back for good; nothing is tried until that is lifted."""
    says(charlies, supper, "accepted")
    superuser.execute("update calendar_changes set due_at = club_now()")
    sync()
    superuser.execute(
        "insert into unreachable_addresses (address_key, hard, reason, first_at, last_at) values (%s, true, 'gone', now(), now())",
        [charlie.email],
    )
    work()
    assert one(superuser, "select state from mails where user_id = %s", charlie.id) == "dropped"
    assert one(superuser, "select method from calendar_entries") is None


def test_an_address_that_is_gone_is_not_written_to_and_not_forgotten(charlies, charlie, superuser, sync, messages, now):
    evening = plan(superuser, "Far off", days=9)
    superuser.execute(
        "insert into unreachable_addresses (address_key, hard, reason, first_at, last_at) values (%s, true, 'gone', now(), now())",
        [charlie.email],
    )
    says(charlies, evening, "accepted")
    sync()
    assert messages(charlie) == []
    superuser.execute("delete from unreachable_addresses")
    sync(now + timedelta(days=1, minutes=1))
    assert [mail.method for mail in messages(charlie)] == ["REQUEST"]


# --- who does without calendar mails ---------------------------------------------------------------------------------


def does_without(superuser, charlie, work):
    """From now on; what was written to Charlie before has left."""
    work()
    superuser.execute("insert into mail_preferences (user_id, calendar_mails) values (%s, false)", [charlie.id])


def test_what_was_taken_out_because_it_was_called_off_comes_back_with_it(
    charlies, charlie, supper, superuser, admins, sync, work, messages
):
    says(charlies, supper, "accepted")
    sync()
    does_without(superuser, charlie, work)
    admins(cancel, supper, "Ill.")
    sync()
    admins(reinstate, supper)
    sync()
    assert [(mail.kind, mail.method) for mail in messages(charlie)][1:] == [
        ("cancelled", "CANCEL"),
        ("reinstated", "REQUEST"),
    ]


def test_what_they_took_out_by_a_no_does_not_come_back(charlies, charlie, supper, superuser, sync, work, messages):
    says(charlies, supper, "accepted")
    sync()
    does_without(superuser, charlie, work)
    for answer in ("declined", "accepted"):
        says(charlies, supper, answer)
        sync()
    assert [mail.method for mail in messages(charlie)] == ["REQUEST", "CANCEL"]


def test_an_entry_that_asks_is_put_right_when_they_answer(
    charlies, charlie, supper, superuser, moves, sync, work, messages
):
    says(charlies, supper, "accepted")
    sync()
    does_without(superuser, charlie, work)
    moves(supper, 3 * HOUR)
    says(charlies, supper, "accepted")
    sync()
    work()
    assert [(mail.kind, partstat(mail)) for mail in messages(charlie)][1:] == [
        ("moved", "NEEDS-ACTION"),
        ("changed", "ACCEPTED"),
    ]
    assert one(superuser, "select count(*) from mails where state <> 'sent'") == 0


# --- the end of access -----------------------------------------------------------------------------------------------


def test_who_loses_access_has_everything_taken_out_on_that_day(
    charlies, charlie, superuser, worker_app, sync, messages
):
    for day in range(1, 6):
        says(charlies, plan(superuser, f"Evening {day}", days=day), "accepted")
    sync()
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    superuser.execute("select refresh_projection(%s, now())", [charlie.id])
    do(worker_app, attendance_jobs.release)
    sync()
    assert [mail.method for mail in messages(charlie)][5:] == ["CANCEL"] * 5
