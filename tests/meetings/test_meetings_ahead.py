"""The list of what is to come: the next meeting large, the rest by day, in the viewer's own time."""

from datetime import timedelta

import pytest

from portal.clock import at
from tests.support.reading import headings, invite, link, lives_in, plan, programme, rows, titles, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, database):
    """The meeting of the story, two days from now, and so far from every midnight of today."""
    return plan(superuser, "Tonight", days=2)


@pytest.fixture
def look(sign_in, charlie):
    """`look(moment)`: the list as Charlie sees it then."""
    browser = sign_in(charlie)

    def see(moment, path="/meetings"):
        with at(moment):
            answer = browser.get(path)
        assert answer.status_code == 200
        return answer

    return see


# --- order and days --------------------------------------------------------------------------------------------------


def test_the_next_meeting_stands_first_and_alone(look, superuser, tonight):
    plan(superuser, "Later", days=3)
    answer = look(tonight.starts_at - 5 * HOUR)
    assert words(answer, "h1") == "Tonight"
    assert titles(answer) == ["Later"]


def test_meetings_of_a_day_stand_under_one_heading_in_their_order(look, superuser, tonight):
    for hour in ("20:00", "08:00", "12:30"):
        plan(superuser, f"At {hour}", days=3, start_time=hour)
    answer = look(tonight.starts_at - 5 * HOUR)
    assert titles(answer) == ["At 08:00", "At 12:30", "At 20:00"]
    assert len(headings(answer)) == 1 and headings(answer)[0].endswith("Tomorrow")


def test_days_are_named_from_where_the_reader_is_in_time(look, superuser, tonight):
    for days in (2, 3, 4, 5):
        plan(superuser, f"In {days}", days=days, start_time="23:00")
    notes = [" ".join(day.split()[2:]) for day in headings(look(tonight.starts_at - 5 * HOUR))]
    assert notes == ["Today", "Tomorrow", "In two days", ""]


@pytest.mark.parametrize(("hours", "said"), [(5, "Tonight, "), (29, "Tomorrow, "), (54, "")])
def test_the_day_of_the_next_meeting_is_said_in_words(look, tonight, hours, said):
    assert f"{said}{tonight.starts_at:%A} {tonight.starts_at.day}" in words(look(tonight.starts_at - hours * HOUR))


def test_a_morning_is_today_and_not_tonight(look, superuser, database):
    morning = plan(superuser, "Morning", days=2, start_time="09:30")
    assert "Today, " in words(look(morning.starts_at - HOUR))


# --- zones -----------------------------------------------------------------------------------------------------------


def test_one_clock_is_enough_in_the_clubs_own_zone(look, tonight):
    text = words(look(tonight.starts_at - 5 * HOUR))
    assert "21:00 Istanbul" in text and "club time" not in text
    assert "Times are in Istanbul, the club’s own zone." in text


def test_both_clocks_are_named_when_they_differ(look, superuser, charlie, tonight):
    lives_in(superuser, charlie, "Asia/Kolkata")
    text = words(look(tonight.starts_at - 5 * HOUR))
    assert "23:30 Kolkata, your time" in text and "21:00 Istanbul, club time" in text
    assert "Istanbul is two hours and 30 minutes behind." in text


def test_a_zone_with_the_same_time_has_one_clock(look, superuser, charlie, tonight):
    lives_in(superuser, charlie, "Africa/Nairobi")
    text = words(look(tonight.starts_at - 5 * HOUR))
    assert "Istanbul keeps the same time." in text and "club time" not in text


def test_the_day_is_the_readers_across_midnight(look, superuser, charlie, tonight):
    lives_in(superuser, charlie, "Asia/Tokyo")
    next_day = tonight.starts_at + 6 * HOUR
    text = words(look(tonight.starts_at - 5 * HOUR))
    assert f"{next_day:%A} {next_day.day}" in text and "03:00 Tokyo" in text
    assert f"club time, {tonight.starts_at:%a} {tonight.starts_at.day}" in text


def test_meetings_of_one_club_day_may_be_two_days_of_the_reader(look, superuser, charlie, tonight):
    lives_in(superuser, charlie, "Asia/Tokyo")
    plan(superuser, "Noon", days=3, start_time="12:00")
    plan(superuser, "Night", days=3, start_time="21:00")
    answer = look(tonight.starts_at - 5 * HOUR)
    assert len(headings(answer)) == 2
    assert "21:00 in Istanbul" in rows(answer)[1] and "Istanbul" not in rows(answer)[0]


# --- what may be seen ------------------------------------------------------------------------------------------------


def test_a_private_meeting_is_hidden_until_one_is_invited(look, superuser, charlie, tonight):
    secret = plan(superuser, "Secret", days=3, is_private=True)
    assert "Secret" not in look(tonight.starts_at - HOUR).text
    invite(superuser, charlie, secret)
    assert titles(look(tonight.starts_at - HOUR)) == ["Secret"]


def test_a_cancelled_meeting_is_struck_and_says_why(look, superuser, tonight):
    plan(superuser, "Film", days=3, status="cancelled", cancellation_reason="The host is ill.")
    answer = look(tonight.starts_at - HOUR)
    assert 'class="gone"><bdi>Film' in answer.text
    assert "Cancelled: The host is ill." in rows(answer)[0] and "I’m coming" not in rows(answer)[0]


def test_a_cancelled_meeting_is_never_the_next_one(look, superuser, tonight):
    plan(superuser, "Film", days=1, status="cancelled", cancellation_reason="The host is ill.")
    answer = look(tonight.starts_at - 30 * HOUR)
    assert words(answer, "h1") == "Tonight" and titles(answer) == ["Film"]


def test_what_was_archived_is_gone(look, superuser, tonight):
    plan(superuser, "Old", days=3, status="archived", archived_from="completed", archived_at="2020-01-01")
    assert "Old" not in words(look(tonight.starts_at - HOUR))


def test_nothing_planned_is_said_in_a_sentence(look, now):
    text = words(look(now))
    assert "No meeting is planned." in text and "The next one appears here the moment it is set." in text


def test_nothing_else_planned_is_another_sentence(look, tonight):
    assert "No other meeting is planned." in words(look(tonight.starts_at - HOUR))


def test_a_reader_without_access_is_told_and_sees_what_is_on(sign_in, eve, superuser, tonight):
    plan(superuser, "Later", days=3)
    answer = sign_in(eve).get("/meetings")
    assert "You can see what is on. To take a place you need a plan." in words(answer)
    assert titles(answer) == ["Later"] and 'name="answer"' not in answer.text


def test_access_that_ran_out_by_the_clock_closes_the_list_without_any_job(look, superuser, charlie, tonight):
    superuser.execute("update users set access_until = %s where id = %s", [tonight.starts_at - HOUR, charlie.id])
    assert "you need a plan" not in words(look(tonight.starts_at - 2 * HOUR))
    assert "you need a plan" in words(look(tonight.starts_at - HOUR))


def test_a_visitor_is_sent_to_sign_in_and_back(client):
    assert client.get("/meetings").location == "/sign-in"
    assert client.get("/meetings/past").location == "/sign-in?next=/meetings/past"


# --- the clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "phase", "said"),
    [
        (-5 * HOUR, "ahead", "Starts in 5 h"),
        (-11 * MINUTE, "ahead", "Starts in 11 min"),
        (-10 * MINUTE, "doors", "Doors are open"),
        (-timedelta(seconds=20), "doors", "Starts any moment now"),
        (0 * MINUTE, "live", "Live now"),
        (14 * MINUTE, "live", "14 of 60 minutes"),
        (59 * MINUTE, "live", "59 of 60 minutes"),
    ],
)
def test_the_phase_is_the_clocks(look, tonight, after, phase, said):
    answer = look(tonight.starts_at + after)
    assert f'data-phase="{phase}"' in answer.text and said in words(answer)


@pytest.mark.parametrize(
    ("after", "turns"), [(-5 * HOUR, -10 * MINUTE), (-10 * MINUTE, 0 * HOUR), (0 * HOUR, HOUR), (59 * MINUTE, HOUR)]
)
def test_the_list_asks_for_itself_again_at_doors_start_and_end(look, tonight, after, turns):
    turns_at = (tonight.starts_at + turns).isoformat()
    assert f'data-turns-at="{turns_at}"' in look(tonight.starts_at + after).text


def test_the_first_meeting_to_turn_counts_and_none_that_is_called_off(look, superuser, tonight):
    plan(superuser, "Off", days=1, status="cancelled", cancellation_reason="The host is ill.")
    plan(superuser, "Later", days=3)
    turns_at = (tonight.starts_at - 10 * MINUTE).isoformat()
    assert f'data-turns-at="{turns_at}"' in look(tonight.starts_at - 30 * HOUR).text


def test_a_meeting_leaves_the_list_the_moment_it_ends(look, tonight):
    assert "Tonight" in words(look(tonight.ends_at - MINUTE))
    assert "Tonight" not in words(look(tonight.ends_at))
    assert titles(look(tonight.ends_at, "/meetings/past")) == ["Tonight"]


def test_an_offer_that_ran_out_is_shown_so_before_any_job_came_by(look, superuser, charlie, tonight):
    late = plan(superuser, "Later", days=3, max_attendees=1)
    until = tonight.starts_at - HOUR
    invite(superuser, charlie, late, answer="offered", offer_expires_at=until)
    assert "A place is yours until 20:00" in rows(look(until - MINUTE))[0]
    gone = rows(look(until))[0]
    assert "No longer on the list" in gone and "The offer ran out." in gone


def test_an_offer_of_the_last_hour_is_the_first_line_of_the_page(look, superuser, charlie, tonight):
    late = plan(superuser, "Later", days=3)
    until = tonight.starts_at - HOUR
    invite(superuser, charlie, late, answer="offered", offer_expires_at=until)
    assert "A place at Later is yours until 20:00 today." in words(look(until - HOUR))
    assert "A place at Later" not in words(look(until - HOUR - MINUTE))
    assert "A place at Later" not in words(look(until))


# --- paging ----------------------------------------------------------------------------------------------------------


def walk(look, moment, path, label):
    """Every title on the way along the links of this label, and how many pages there were."""
    seen, pages = [], 0
    while path:
        answer = look(moment, path)
        seen += ([words(answer, "h1")] if '<section class="band"' in answer.text else []) + titles(answer)
        path, pages = link(answer, label), pages + 1
    return seen, pages


def test_later_meetings_follow_without_gap_or_repeat(look, superuser, database, now):
    programme(superuser, 30)
    seen, pages = walk(look, now, "/meetings", "Later meetings")
    assert seen == [f"Evening {n}" for n in range(1, 31)] and pages > 2


def test_meetings_of_the_same_moment_are_paged_without_gap_or_repeat(look, superuser, database, now):
    for _ in range(3):
        programme(superuser, 9, days=2, step=0)
    seen, pages = walk(look, now, "/meetings", "Later meetings")
    assert sorted(seen) == sorted(3 * [f"Evening {n}" for n in range(1, 10)]) and pages == 2


def test_one_comes_back_to_the_first_page(look, superuser, database, now):
    programme(superuser, 30)
    second = link(look(now), "Later meetings")
    third = link(look(now, second), "Later meetings")
    assert link(look(now, second), "Back to tonight") == link(look(now, third), "Back to tonight") == "/meetings"


@pytest.mark.parametrize(
    "cursor", ["nonsense", "-", "ffffffffffffffffffff-0", "12-zz", "1-" + "0" * 31, "%00", "é", "-1-" + "0" * 32]
)
def test_a_page_that_never_was_is_the_first_one(look, tonight, cursor):
    assert "Tonight" in words(look(tonight.starts_at - HOUR, f"/meetings?from={cursor}"))
    assert look(tonight.starts_at - HOUR, f"/meetings/past?from={cursor}").status_code == 200
