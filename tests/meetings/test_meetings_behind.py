"""The list of what was, latest first, with whether the viewer came."""

import re
from datetime import date, timedelta

import pytest

from portal.clock import at
from tests.support.reading import invite, link, lives_in, one, plan, programme, rows, titles, words

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def look(sign_in, charlie):
    """`look()`: the list as Charlie sees it."""
    browser = sign_in(charlie)
    return lambda path="/meetings/past": browser.get(path)


def of(answer):
    """The words of each meeting of the list."""
    return [row for row in rows(answer, "li") if re.match(r"\w{3} \d", row)]


@pytest.fixture
def yesterday(superuser, database):
    """A meeting that is over."""
    return plan(superuser, "Yesterday", days=-2, status="completed")


def test_the_latest_stands_first(look, superuser, yesterday):
    plan(superuser, "Before", days=-3)
    plan(superuser, "Tomorrow", days=2)
    assert titles(look()) == ["Yesterday", "Before"]


def test_nothing_behind_is_said_in_a_sentence(look, charlie):
    text = words(look())
    assert "Nothing here yet. A meeting moves to this page when it is over." in text
    assert link(look(), "See what is coming up") == "/meetings"


ATTENDED = {"outcome": "attended", "came": True}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"answer": "accepted", **ATTENDED, "join_duration": 52}, "52 min"),
        ({"answer": "accepted", **ATTENDED, "join_duration": 61}, "60 min"),
        ({"answer": "accepted", **ATTENDED}, "Came"),
        ({"answer": "accepted"}, "Not recorded"),
        ({"answer": "accepted", "outcome": "attended"}, "Came"),
        ({"answer": "accepted", "outcome": "no_show"}, "Did not come"),
        ({"answer": "declined"}, "Said no"),
        ({"answer": "declined", **ATTENDED, "join_duration": 20}, "20 min"),
        ({"answer": "invited"}, "Selin"),
        (None, "Selin"),
    ],
)
def test_each_meeting_says_whether_one_came(look, superuser, charlie, database, row, said):
    yesterday = plan(superuser, "Yesterday", days=-2, status="completed", host_name="Selin", attendance_record="final")
    if row is not None:
        came = {"joined_at": yesterday.starts_at} if row.get("came") else {}
        invite(superuser, charlie, yesterday, **{key: row[key] for key in row if key != "came"}, **came)
    assert of(look())[0].endswith(said)


def test_until_it_is_settled_nobody_is_said_to_be_missing(look, superuser, charlie, yesterday):
    invite(superuser, charlie, yesterday, answer="accepted")
    assert of(look())[0].endswith("Said yes")


def test_evenings_of_which_nobody_knows_count_for_nobody(sign_in, superuser, charlie, database):
    known, unknown = (
        plan(superuser, f"Evening {n}", scheduled_date=date(2026, 11, n), status="completed") for n in (2, 3)
    )
    invite(superuser, charlie, known, answer="accepted", joined_at=known.starts_at, outcome="attended")
    invite(superuser, charlie, unknown, answer="accepted")
    superuser.execute("update meetings set attendance_record = 'not_recorded' where id = %s", [unknown.id])
    with at(unknown.starts_at + DAY):
        text = words(sign_in(charlie).get("/meetings/past"))
    assert "You came to 1 of your 1 evening in November." in text and "Came to 1 of 1" in text


def test_the_head_counts_the_month_and_the_time_together(sign_in, superuser, charlie, database):
    evenings = [
        plan(superuser, f"Evening {n}", scheduled_date=date(2026, 11, n), status="completed") for n in (2, 3, 4)
    ]
    before = plan(superuser, "Before", scheduled_date=date(2026, 10, 5), status="completed")
    for evening, minutes in ((evenings[0], 61), (evenings[1], 40), (before, 60)):
        invite(superuser, charlie, evening, answer="accepted", joined_at=evening.starts_at, join_duration=minutes)
    invite(superuser, charlie, evenings[2], answer="accepted", outcome="no_show")
    with at(evenings[2].starts_at + DAY):
        text = words(sign_in(charlie).get("/meetings/past"))
    assert "You came to 2 of your 3 evenings in November." in text
    assert "You were there for 1 hour 40 minutes and for 2 hours 40 minutes since October 2026." in text
    assert "November 2026 Came to 2 of 3" in text and "October 2026 Came to 1 of 1" in text


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [
        ([61, 40], "You were there for 1 hour 40 minutes."),
        ([40, None], "You were there for 40 minutes, and at 1 evening for a time nobody measured."),
        ([None, None], "Nobody measured how long you stayed at 2 evenings."),
    ],
)
def test_each_month_sums_ones_own_hours_and_says_what_nobody_measured(look, superuser, charlie, minutes, sentence):
    for day, stayed in enumerate(minutes, 5):
        evening = plan(superuser, f"Evening {day}", scheduled_date=date(2026, 10, day), status="completed")
        invite(superuser, charlie, evening, outcome="attended", joined_at=evening.starts_at, join_duration=stayed)
    assert f"October 2026 Came to 2 of 2 {sentence}" in words(look())


def test_a_month_is_summed_whole_where_only_a_part_of_it_is_shown(look, superuser, charlie):
    programme(superuser, 25, days=-40)
    superuser.execute(
        "update meetings set scheduled_date = '2026-10-05', starts_at = '2026-10-05 18:00Z' where title = 'Evening 1'"
    )
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, outcome, join_duration)"
        " select id, %s, 'attended', 30 from meetings where starts_at < '2026-11-01'",
        [charlie.id],
    )
    first, second = look(), look(link(look(), "Earlier meetings"))
    month = re.search(r"October 2026 Came to (\d+) of \1 You were there for [^.]*\.", words(first))[0]
    assert month in words(second)


def test_nothing_can_be_answered_any_more(look, yesterday):
    assert "<form" not in look().text


def test_a_cancelled_meeting_stays_struck(look, superuser, database):
    plan(superuser, "Film", days=-2, status="cancelled", cancellation_reason="The host is ill.")
    answer = look()
    assert 'class="gone"><bdi>Film' in answer.text and "Cancelled: The host is ill." in of(answer)[0]


def test_days_are_the_readers(look, superuser, charlie, yesterday):
    lives_in(superuser, charlie, "Asia/Tokyo")
    night = yesterday.starts_at + 6 * HOUR
    assert of(look())[0].split()[:2] == [f"{night:%a}", str(night.day)] and "03:00" in of(look())[0]


def test_a_private_meeting_stays_hidden_from_who_was_not_invited(look, superuser, charlie):
    secret = plan(superuser, "Secret", days=-2, is_private=True)
    assert "Secret" not in look().text
    invite(superuser, charlie, secret)
    assert titles(look()) == ["Secret"]


def test_earlier_meetings_follow_without_gap_or_repeat(look, superuser, charlie):
    programme(superuser, 45, days=-50)
    path, seen, pages = "/meetings/past", [], 0
    while path:
        answer = look(path)
        seen, path, pages = seen + titles(answer), link(answer, "Earlier meetings"), pages + 1
    assert seen == [f"Evening {n}" for n in range(45, 0, -1)] and pages == 3


def test_one_comes_back_the_way_one_went(look, superuser, charlie):
    programme(superuser, 25, days=-30)
    second = look(link(look(), "Earlier meetings"))
    assert link(second, "The latest") == "/meetings/past"
    assert link(look(), "Coming up") == "/meetings"


def test_the_list_behind_changes_nothing(look, superuser, charlie, yesterday):
    invite(superuser, charlie, yesterday, answer="offered", offer_expires_at=yesterday.starts_at)
    look()
    assert one(superuser, "select answer from meeting_attendances") == "offered"
