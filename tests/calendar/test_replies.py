"""A calendar's answer comes back by mail and counts like a click, for whoever owns the entry it was sent to."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.inbox import ADDRESS, sample

TOKEN = "abcdefghijklmnopqrstuvwx23"
STAMP = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.fixture
def entry(superuser):
    """`entry(person, meeting)`: they have it in their calendar, from a mail with SEQUENCE 2."""

    def mailed(person, meeting, token=TOKEN):
        superuser.execute(
            "insert into calendar_entries (meeting_id, user_id, token, sequence, method) values (%s, %s, %s, 2, 'REQUEST')",
            [meeting.id, person.id, token],
        )

    return mailed


@pytest.fixture
def reply(inbox):
    """`reply(meeting, "DECLINED")`: Alice answers from her calendar, and the worker does what follows."""

    def send(meeting, partstat, *, after=timedelta(0), headers="", kind="rfc5546-3.2.3-reply", **changes):
        values = {
            "uid": f"{meeting.id}@localhost",
            "sequence": 2,
            "stamp": f"{STAMP + after:%Y%m%dT%H%M%SZ}",
            "token": TOKEN,
            "partstat": partstat,
            "attendee": "mailto:alice@club.example",
        } | changes
        sender = values.pop("sender", "alice@club.example")
        recipient = values.pop("recipient", ADDRESS.replace("@", f"+{values['token']}@"))
        calendar = sample(f"calendar/samples/{kind}.ics", **values)
        mail = sample(
            "calendar/samples/rfc6047-4.3-reply.eml", sender=sender, recipient=recipient, calendar=calendar, number=1
        )
        inbox.read(headers + mail)

    return send


@pytest.fixture
def answer_of(superuser):
    """`answer_of(alice, supper)`: what she said, None for nothing yet."""

    def stored(person, meeting):
        row = superuser.execute(
            "select nullif(answer, 'invited') from meeting_attendances where user_id = %s and meeting_id = %s",
            [person.id, meeting.id],
        ).fetchone()
        return row[0] if row else None

    return stored


def test_a_yes_and_then_a_no(reply, entry, answer_of, inbox, alice, supper, mails):
    entry(alice, supper)
    reply(supper, "ACCEPTED")
    assert answer_of(alice, supper) == "accepted"
    reply(supper, "DECLINED", after=timedelta(minutes=1))
    assert answer_of(alice, supper) == "declined"
    assert inbox.rows() == [("reply", "Said yes.", True), ("reply", "Said no.", True)]


def test_the_page_shows_it_and_the_log_knows_who_answered(reply, entry, sign_in, superuser, alice, supper):
    entry(alice, supper)
    reply(supper, "ACCEPTED")
    assert "You’re coming" in sign_in(alice).get(f"/meetings/{supper.id}").text
    log = superuser.execute(
        "select operation, user_id, meeting_id from system_logs where category = 'meeting' order by timestamp, id"
    ).fetchall()
    assert log == [("answer.accepted", alice.id, supper.id), ("reply.applied", alice.id, supper.id)]


@pytest.mark.parametrize("attendee", ["MAILTO:Alice@Club.Example", "mailto:alice%40club.example"])
def test_the_address_is_hers_however_it_is_written(attendee, reply, entry, answer_of, alice, supper):
    entry(alice, supper)
    reply(supper, "ACCEPTED", attendee=attendee)
    assert answer_of(alice, supper) == "accepted"


def test_the_from_of_the_mail_does_not_matter(reply, entry, answer_of, alice, supper):
    entry(alice, supper)
    reply(supper, "ACCEPTED", sender="alice@private.example")
    assert answer_of(alice, supper) == "accepted"


NO_TOKEN = "It was not sent to the address of a calendar entry."


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"recipient": ADDRESS}, NO_TOKEN),
        ({"recipient": f"inbox+{TOKEN[::-1].lower().replace('3', 'a').replace('2', 'b')}@club.example"}, NO_TOKEN),
        (
            {"attendee": "mailto:charlie@club.example"},
            "It does not answer for the address of the account it was sent to.",
        ),
        ({"uid": "another@localhost"}, "It answers another entry than the one it was sent to."),
        ({"sequence": 1}, "It answers an older version of the entry."),
        ({"sequence": 99999999999}, "It cannot be read as an answer to one meeting."),
    ],
)
def test_what_is_not_proved_counts_for_nothing_and_is_not_answered(
    changes, why, reply, entry, answer_of, inbox, superuser, alice, supper
):
    entry(alice, supper)
    reply(supper, "ACCEPTED", **changes)
    assert (answer_of(alice, supper), inbox.rows()) == (None, [("reply", why, False)])
    assert superuser.execute("select count(*) from mails").fetchone() == (0,)


def test_an_answer_that_was_overtaken_on_the_way_counts_no_more(reply, entry, answer_of, inbox, alice, supper):
    entry(alice, supper)
    reply(supper, "DECLINED", after=timedelta(minutes=1))
    reply(supper, "ACCEPTED")
    assert answer_of(alice, supper) == "declined" and inbox.outcome() == "A later answer came before it."


def test_whoever_is_suspended_answers_nothing(reply, entry, answer_of, inbox, superuser, alice, supper):
    entry(alice, supper)
    superuser.execute("update users set is_active = false where id = %s", [alice.id])
    reply(supper, "ACCEPTED")
    assert answer_of(alice, supper) is None and inbox.outcome() == "The account is suspended or closed."


@pytest.fixture
def full(as_, supper, bob, charlie):
    """Supper with its two places taken."""
    for person in (bob, charlie):
        with as_(person) as db:
            db.execute("select rsvp(%s, 'accepted')", [supper.id])


def test_a_yes_to_a_full_meeting_waits_in_line_and_is_told_so(
    full, reply, entry, answer_of, inbox, mails, alice, supper
):
    entry(alice, supper)
    reply(supper, "ACCEPTED")
    assert answer_of(alice, supper) == "waitlisted"
    assert [mail["subject"] for mail in mails("alice@club.example")] == ["You are in the line: Supper"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'", "This meeting is cancelled."),
        ("update meetings set status = 'completed', attendance_record = 'final'", "This meeting is over."),
        ("delete from orders; update users set access_until = null", "You need a plan to take a place."),
    ],
)
def test_what_the_page_would_refuse_is_refused_and_told(
    change, sentence, reply, entry, answer_of, inbox, mails, superuser, alice, supper
):
    entry(alice, supper)
    superuser.execute(change)
    reply(supper, "ACCEPTED")
    assert answer_of(alice, supper) is None
    (mail,) = mails("alice@club.example")
    assert sentence in mail["text"] and mail["subject"] == "Your answer was not taken: Supper"
    assert sentence in inbox.outcome()


def test_maybe_is_no_answer(reply, entry, answer_of, inbox, mails, alice, supper):
    entry(alice, supper)
    reply(supper, "ACCEPTED")
    reply(supper, "TENTATIVE", after=timedelta(minutes=1))
    assert answer_of(alice, supper) == "accepted" and inbox.outcome() == "Said maybe, which is no answer."
    (mail,) = mails("alice@club.example")
    assert mail["subject"] == "Yes or no? Supper" and f"/meetings/{supper.id}" in mail["text"]


def test_another_time_cannot_be_proposed(reply, entry, answer_of, inbox, mails, alice, supper):
    entry(alice, supper)
    reply(supper, "ACCEPTED", kind="rfc5546-3.2.7-counter")
    assert answer_of(alice, supper) is None and inbox.outcome() == "Asked for what only the page can do."
    assert [mail["subject"] for mail in mails("alice@club.example")] == ["Your calendar asked for something: Supper"]


def test_whatever_comes_one_mail_a_day_goes_back(reply, entry, mails, alice, supper):
    entry(alice, supper)
    for minutes in range(3):
        reply(supper, "TENTATIVE", after=timedelta(minutes=minutes))
    assert len(mails("alice@club.example")) == 1


def test_a_program_is_never_answered(reply, entry, answer_of, mails, alice, supper, superuser):
    entry(alice, supper)
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    reply(supper, "ACCEPTED", headers="Auto-Submitted: auto-replied\n")
    assert mails("alice@club.example") == []


def test_nothing_of_it_is_kept(reply, entry, superuser, alice, supper):
    entry(alice, supper)
    reply(supper, "ACCEPTED")
    assert superuser.execute("select token, calendar from inbox_messages").fetchall() == [(None, None)]
    dump = superuser.execute("select string_agg(l::text, '') from system_logs l").fetchone()[0]
    assert TOKEN not in dump


def test_a_closed_account_leaves_nothing_in_the_inbox(reply, entry, inbox, superuser, as_, alice, bob, supper, charlie):
    entry(charlie, supper)
    reply(supper, "ACCEPTED", attendee="mailto:charlie@club.example", sender="charlie@club.example")
    with as_(charlie) as db:
        db.execute("select auth.close_account()")
    assert superuser.execute("select sender, outcome from inbox_messages").fetchall() == [
        (None, "The account is closed.")
    ]
