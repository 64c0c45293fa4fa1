"""Standing answers: rules that answer many evenings, what they leave alone, and how they end."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from portal import clock
from portal.attendance import standing
from portal.attendance.jobs import follow_rules
from tests.support.cast import crowd, plan_meeting
from tests.support.reading import do, lives_in, one, plan

DAY = timedelta(days=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def rule(superuser):
    """`rule(alice, "accepted", weekday=2)`: a rule of hers, from long ago unless told otherwise; its id."""

    def write(person, response, weekday=None, series=None, starts_at=LONG_AGO, ends_at=None):
        kind = "weekday" if weekday else "series" if series else "away"
        return one(
            superuser,
            "insert into standing_answers (user_id, kind, weekday, series_id, response, starts_at, ends_at, created_at, followed_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp(), now()) returning id",
            *(person.id, kind, weekday, series, response, starts_at, ends_at),
        )

    return write


@pytest.fixture
def follow(worker_app):
    """The worker lets every meeting follow, an hour later than the last time."""
    hours = iter(range(100))
    return lambda: do(worker_app, follow_rules, clock.now() + timedelta(hours=next(hours)))


@pytest.fixture
def answer_of(superuser):
    """What is kept of somebody's answer, and whether a rule gave it."""

    def read(person, meeting):
        return superuser.execute(
            "select answer, standing_answer_id is not null from meeting_attendances where meeting_id = %s and user_id = %s",
            [meeting.id, person.id],
        ).fetchone()

    return read


def undo(superuser, rule):
    superuser.execute("update standing_answers set ended_at = now(), keeps_answers = false where id = %s", [rule])


def weekday_of(meeting, zone="Europe/Istanbul"):
    return meeting.starts_at.astimezone(standing.ZoneInfo(zone)).isoweekday()


def a_series(superuser, title="Circle", **columns):
    """A series and its meeting tomorrow; the series' id and the meeting."""
    series = one(
        superuser,
        "insert into meeting_series (title, repeats, weekdays, start_time, timezone, starts_on)"
        " values (%s, 'daily', '{}', '21:00', 'Europe/Istanbul', current_date) returning id",
        title,
    )
    return series, plan(superuser, title, series_id=series, series_date=datetime.now(UTC).date() + DAY, **columns)


# --- what a rule answers ---------------------------------------------------------------------------------------------


def test_a_weekday_is_answered_and_the_others_are_not(rule, follow, answer_of, superuser, alice):
    meetings = [plan(superuser, "Supper", days=n) for n in range(1, 8)]
    rule(alice, "accepted", weekday=weekday_of(meetings[2]))
    follow()
    assert [answer_of(alice, meeting) for meeting in meetings] == [
        ("accepted", True) if meeting is meetings[2] else None for meeting in meetings
    ]


def test_the_weekday_is_that_of_the_persons_own_zone(rule, follow, answer_of, superuser, alice, quiet):
    lives_in(superuser, alice, "Pacific/Auckland")  # where it is the day after already
    rule(alice, "accepted", weekday=weekday_of(quiet) % 7 + 1)
    follow()
    assert answer_of(alice, quiet) == ("accepted", True)


def test_a_series_is_answered(rule, follow, answer_of, superuser, alice, quiet):
    series, evening = a_series(superuser)
    rule(alice, "accepted", series=series)
    follow()
    assert (answer_of(alice, evening), answer_of(alice, quiet)) == (("accepted", True), None)


def test_a_rule_about_a_series_goes_on_with_the_series_that_takes_over(rule, follow, answer_of, superuser, alice):
    series, evening = a_series(superuser)
    rule(alice, "accepted", series=series)
    following, later = a_series(superuser)
    superuser.execute(
        "update meetings set series_id = %s, series_date = current_date + 9 where id = %s", [following, evening.id]
    )
    follow()
    assert (answer_of(alice, evening), answer_of(alice, later)) == (("accepted", True), ("accepted", True))


def test_away_beats_a_series_and_a_series_a_weekday(rule, follow, answer_of, superuser, alice, bob):
    series, evening = a_series(superuser)
    for person in (alice, bob):
        rule(person, "declined", weekday=weekday_of(evening))
        rule(person, "accepted", series=series)
    rule(bob, "declined")
    follow()
    assert (answer_of(alice, evening), answer_of(bob, evening)) == (("accepted", True), ("declined", True))


def test_a_rule_holds_in_its_days_only(rule, follow, answer_of, superuser, alice):
    before, within, after = (plan(superuser, "Supper", days=n) for n in (2, 4, 6))
    rule(alice, "declined", starts_at=within.starts_at, ends_at=within.starts_at + DAY)
    follow()
    assert [answer_of(alice, meeting) for meeting in (before, within, after)] == [None, ("declined", True), None]


def test_a_yes_to_a_full_evening_is_the_line_the_oldest_rule_first(
    rule, follow, superuser, alice, bob, charlie, supper
):
    for person in (charlie, alice, bob):
        rule(person, "accepted", weekday=weekday_of(supper))
    follow()
    rows = superuser.execute("select user_id, answer from meeting_attendances order by answer, user_id").fetchall()
    assert set(rows) == {(charlie.id, "accepted"), (alice.id, "accepted"), (bob.id, "waitlisted")}


def test_those_whom_rules_put_into_the_line_stand_in_the_order_of_their_rules(rule, follow, superuser, people, supper):
    guests = crowd(superuser, 8)
    for person in guests:
        rule(person, "accepted", weekday=weekday_of(supper, "UTC"))
    follow()
    line = superuser.execute(
        "select user_id from meeting_attendances where answer = 'waitlisted' order by waiting_since, id"
    )
    assert [id_ for (id_,) in line] == [person.id for person in guests[2:]]


def test_a_yes_where_the_host_approves_is_a_request_and_the_host_is_told_once(
    rule, follow, work, answer_of, mails, superuser, alice, bob, charlie, circle
):
    superuser.execute("update meetings set host_id = %s", [charlie.id])
    for person in (alice, bob):
        rule(person, "accepted", weekday=weekday_of(circle))
    follow()
    work()
    assert answer_of(alice, circle) == ("requested", True)
    assert [mail["subject"] for mail in mails(charlie.email)] == ["2 people ask to join Circle"]


def test_a_yes_needs_access_and_follows_when_there_is_some_again(rule, follow, answer_of, superuser, eve, quiet):
    rule(eve, "accepted", weekday=weekday_of(quiet))
    follow()
    assert answer_of(eve, quiet) is None
    superuser.execute("update users set access_until = now() + interval '1 year' where id = %s", [eve.id])
    follow()
    assert answer_of(eve, quiet) == ("accepted", True)


def test_a_private_evening_is_answered_for_those_invited(rule, follow, answer_of, superuser, alice, bob, secret):
    superuser.execute("insert into meeting_attendances (meeting_id, user_id) values (%s, %s)", [secret.id, alice.id])
    for person in (alice, bob):
        rule(person, "declined", weekday=weekday_of(secret))
    follow()
    assert (answer_of(alice, secret), answer_of(bob, secret)) == (("declined", True), None)


def test_a_new_evening_follows_within_the_minute(rule, worker_app, answer_of, superuser, alice, quiet):
    rule(alice, "declined")
    do(worker_app, follow_rules)
    new = plan(superuser, "New", days=3)
    do(worker_app, follow_rules)
    assert answer_of(alice, new) == ("declined", True)


@pytest.mark.parametrize(
    "columns",
    [{"status": "cancelled", "cancellation_reason": "Ill."}, {"scheduled_date": datetime.now(UTC).date() + 90 * DAY}],
)
def test_what_is_called_off_or_far_ahead_is_left_alone(rule, follow, answer_of, superuser, alice, columns):
    meeting = plan_meeting(superuser, "Supper", **columns)
    rule(alice, "declined")
    follow()
    assert answer_of(alice, meeting) is None


# --- what a rule leaves alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["accepted", "declined"])
@pytest.mark.parametrize("rules", ["accepted", "declined"])
def test_what_a_person_said_no_rule_changes(rule, follow, line, answer_of, alice, supper, said, rules):
    line.says(alice, said)
    rule(alice, rules, weekday=weekday_of(supper))
    follow()
    assert answer_of(alice, supper) == (said, False)


def test_what_a_person_says_afterwards_no_rule_changes_back(rule, follow, line, answer_of, alice, supper):
    rule(alice, "accepted", weekday=weekday_of(supper))
    follow()
    line.declines(alice)
    follow()
    assert answer_of(alice, supper) == ("declined", False)


def test_saying_the_same_again_makes_it_ones_own(rule, follow, line, answer_of, superuser, alice, supper):
    made = rule(alice, "accepted", weekday=weekday_of(supper))
    follow()
    line.accepts(alice)
    undo(superuser, made)
    follow()
    assert answer_of(alice, supper) == ("accepted", False)


def test_a_yes_of_the_family_is_ones_own(rule, follow, as_, answer_of, superuser, alice, bob, quiet):
    superuser.execute("update users set family_may_answer = true where id = %s", [bob.id])
    with as_(alice) as db:
        db.execute("select * from rsvp_together(%s)", [quiet.id])
    rule(bob, "declined")
    follow()
    assert answer_of(bob, quiet) == ("accepted", False)


def test_a_refused_answer_changes_nothing_about_who_gave_the_one_before(
    rule, follow, line, answer_of, superuser, alice, supper
):
    rule(alice, "declined")
    follow()
    superuser.execute("update users set access_until = now() - interval '1 hour' where id = %s", [alice.id])
    assert line.says(alice, "accepted").refusal == "no-access"
    assert answer_of(alice, supper) == ("declined", True)


def test_an_offer_that_ran_out_is_not_waited_for_again(
    rule, follow, line, answer_of, superuser, alice, bob, charlie, supper
):
    line.accepts(alice, bob)
    rule(charlie, "accepted", weekday=weekday_of(supper))
    follow()
    line.declines(alice)
    assert answer_of(charlie, supper) == ("offered", True)
    with clock.at(line.now + timedelta(hours=13)):
        line.advance(line.now + timedelta(hours=13))
    follow()
    assert answer_of(charlie, supper) == ("withdrawn", False)


def test_who_loses_access_loses_the_place_and_gets_it_back_by_the_rule(
    rule, follow, as_, answer_of, superuser, now, alice, quiet
):
    rule(alice, "accepted", weekday=weekday_of(quiet))
    follow()
    superuser.execute("update users set access_until = now() - interval '1 minute' where id = %s", [alice.id])
    with as_("worker") as db:
        db.execute("select * from release_places(%s, now())", [alice.id])
    assert answer_of(alice, quiet) == ("withdrawn", True)
    superuser.execute("update users set access_until = now() + interval '1 year' where id = %s", [alice.id])
    follow()
    assert answer_of(alice, quiet) == ("accepted", True)


# --- away and the line -----------------------------------------------------------------------------------------------


def test_who_goes_away_gives_up_what_a_rule_took_and_the_next_is_offered(
    rule, follow, line, answer_of, superuser, alice, bob, charlie, supper
):
    rule(alice, "accepted", weekday=weekday_of(supper))
    follow()
    line.accepts(bob, charlie)
    rule(alice, "declined")
    follow()
    assert answer_of(alice, supper) == ("declined", True) and answer_of(charlie, supper) == ("offered", False)


def test_an_offer_passes_who_is_away_and_they_keep_their_place(rule, line, superuser, full, alice, charlie, dora):
    line.accepts(charlie, dora)
    made = rule(charlie, "declined")
    assert line.says(alice, "declined").offered == [dora.id]
    assert line.place(charlie) == 1
    superuser.execute("delete from standing_answers where id = %s", [made])
    line.declines(dora)
    assert line.answers([charlie, dora]) == ["offered", "withdrawn"]


def test_who_comes_does_not_wait_for_somebody_who_is_away(rule, line, full, alice, charlie, dora):
    line.accepts(charlie)
    rule(charlie, "declined")
    line.declines(alice)
    assert line.accepts(dora) == ["accepted"]
    assert line.answers([charlie]) == ["waitlisted"]


def test_who_is_back_is_offered_what_is_free(rule, follow, line, full, work, superuser, alice, charlie):
    line.accepts(charlie)
    rule(charlie, "declined", ends_at=datetime.now(UTC) + timedelta(minutes=30))
    line.declines(alice)
    follow()
    assert line.answers([charlie]) == ["waitlisted"]
    follow()
    assert line.answers([charlie]) == ["offered"]


def test_a_party_is_offered_its_places_while_one_of_it_is_here(rule, line, superuser, full, alice, bob, charlie, dora):
    line.accepts(charlie, dora)
    superuser.execute("update meeting_attendances set party_id = %s where answer = 'waitlisted'", [uuid4()])
    rule(charlie, "declined")
    line.declines(alice)
    assert set(line.says(bob, "declined").offered) == {charlie.id, dora.id}


def test_an_offer_made_before_holds_as_long_as_it_was_promised(
    rule, follow, line, answer_of, full, alice, charlie, supper
):
    line.accepts(charlie)
    line.declines(alice)
    rule(charlie, "declined")
    follow()
    assert answer_of(charlie, supper) == ("offered", False)


# --- how a rule ends -------------------------------------------------------------------------------------------------


def test_undone_it_takes_back_what_only_it_answered(
    rule, follow, line, answer_of, superuser, alice, bob, charlie, supper, quiet
):
    made = rule(alice, "accepted", weekday=weekday_of(supper))
    follow()
    line.accepts(bob, charlie)
    line.meeting = quiet
    line.accepts(alice)
    undo(superuser, made)
    follow()
    assert (answer_of(alice, supper), answer_of(alice, quiet)) == (("invited", False), ("accepted", False))
    assert answer_of(charlie, supper) == ("offered", False)
    assert one(superuser, "select count(*) from standing_answers") == 0


def test_ended_its_answers_stay_as_the_persons_own(rule, follow, answer_of, superuser, alice, quiet):
    made = rule(alice, "accepted", weekday=weekday_of(quiet))
    follow()
    superuser.execute("update standing_answers set ended_at = now() where id = %s", [made])
    follow()
    assert answer_of(alice, quiet) == ("accepted", False)
    assert one(superuser, "select count(*) from standing_answers") == 0


def test_back_from_being_away_the_other_rules_answer_again(rule, follow, answer_of, superuser, alice, quiet):
    rule(alice, "accepted", weekday=weekday_of(quiet))
    away = rule(alice, "declined")
    follow()
    assert answer_of(alice, quiet) == ("declined", True)
    undo(superuser, away)
    follow()
    assert answer_of(alice, quiet) == ("accepted", True)


def test_what_another_rule_wants_too_is_not_let_go_for_a_moment(
    rule, follow, line, answer_of, superuser, alice, bob, charlie
):
    series, evening = a_series(superuser, max_attendees=1)
    rule(alice, "accepted", weekday=weekday_of(evening))
    made = rule(alice, "accepted", series=series)
    follow()
    line.meeting = evening
    line.accepts(charlie)
    undo(superuser, made)
    follow()
    assert (answer_of(alice, evening), answer_of(charlie, evening)) == (("accepted", True), ("waitlisted", False))


def test_a_rejection_stays_when_its_rule_is_undone(rule, follow, answer_of, superuser, alice, circle):
    made = rule(alice, "accepted", weekday=weekday_of(circle))
    follow()
    superuser.execute("update meeting_attendances set answer = 'rejected'")
    undo(superuser, made)
    follow()
    assert answer_of(alice, circle) == ("rejected", False)


def test_what_an_undone_rule_leaves_lets_nobody_into_a_private_evening(rule, follow, superuser, alice, quiet, supper):
    """Neither where many were answered at once nor where each was (a limit on places)."""
    weekly = [rule(alice, "accepted", weekday=day) for day in {weekday_of(quiet), weekday_of(supper)}]
    follow()
    for each in weekly:
        undo(superuser, each)
    follow()
    superuser.execute("update meetings set is_private = true")
    assert one(superuser, "select count(*) from meeting_attendances where user_id = %s", alice.id) == 0


def test_undone_the_note_written_beside_its_answer_goes_too(rule, follow, superuser, alice, quiet):
    made = rule(alice, "accepted", weekday=weekday_of(quiet))
    follow()
    superuser.execute("update meeting_attendances set note = 'I am late.' where user_id = %s", [alice.id])
    follow()
    assert one(superuser, "select note from meeting_attendances where user_id = %s", alice.id) == "I am late."
    undo(superuser, made)
    follow()
    assert one(superuser, "select note from meeting_attendances where user_id = %s", alice.id) is None
