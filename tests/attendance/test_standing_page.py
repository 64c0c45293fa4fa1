"""The page of rules: written as one says them, shown as sentences, ended in one press."""

from datetime import datetime, timedelta

import pytest

from tests.attendance.test_standing import a_series, weekday_of
from tests.support.cast import ISTANBUL
from tests.support.reading import invite, link, one, operations, plan, said_at, words

PAGE = "/meetings/answers"
TODAY = datetime.now(ISTANBUL).date()
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def hers(sign_in, alice):
    """Alice's browser."""
    return sign_in(alice)


def answer(superuser, meeting, person):
    return one(
        superuser,
        "select answer from meeting_attendances where meeting_id = %s and user_id = %s",
        meeting.id,
        person.id,
    )


def test_a_rule_about_a_weekday_answers_what_is_ahead(hers, work, superuser, alice, quiet):
    posted = hers.submit(PAGE, which=str(weekday_of(quiet)), response="accepted")
    assert "The meetings ahead are being answered now." in words(hers.get(posted.location))
    work()
    assert answer(superuser, quiet, alice) == "accepted"
    assert "I’m coming It answered 1 meeting ahead." in words(hers.get(PAGE))


def test_a_series_is_chosen_from_its_meetings_page(hers, work, superuser, alice):
    series, evening = a_series(superuser)
    address = link(hers.get(f"/meetings/{evening.id}"), "Answer every meeting of this series")
    assert f'<option selected value="{series}">Circle (Every day)' in hers.get(address).text
    hers.submit(PAGE, which=str(series), response="declined")
    work()
    assert answer(superuser, evening, alice) == "declined"
    assert "Every meeting of Circle: not this time" in words(hers.get(PAGE))


def test_a_series_nobody_sees_is_not_on_the_list(hers, superuser):
    series, _ = a_series(superuser, is_private=True)
    posted = hers.submit(PAGE, which=str(series), response="accepted")
    assert said_at(posted, "which") == "Choose a weekday or a series from the list."


def test_away_until_a_day_is_no_to_every_evening_of_it(hers, work, superuser, alice):
    within, after = plan(superuser, "Supper", days=2), plan(superuser, "Supper", days=4)
    hers.submit(f"{PAGE}/away", away_from=str(TODAY), away_until=str(TODAY + timedelta(days=2)))
    work()
    assert answer(superuser, within, alice) == "declined" and answer(superuser, after, alice) != "declined"
    assert "Away until " in words(hers.get(PAGE))


def test_what_she_said_yes_to_herself_stands_on_the_page_while_she_is_away(hers, work, superuser, alice, quiet):
    hers.submit(f"/meetings/{quiet.id}/answer", answer="accepted")
    hers.submit(f"{PAGE}/away", away_from=str(TODAY))
    work()
    assert answer(superuser, quiet, alice) == "accepted"
    assert link(hers.get(PAGE), "Quiet") == f"/meetings/{quiet.id}"


@pytest.mark.parametrize(("press", "left"), [("undo", "invited"), ("end", "accepted")])
def test_one_press_ends_a_rule(hers, work, superuser, alice, quiet, press, left):
    hers.submit(PAGE, which=str(weekday_of(quiet)), response="accepted")
    work()
    rule = one(superuser, "select id from standing_answers")
    hers.submit(f"{PAGE}/{rule}/{press}")
    assert "You have no rules." in words(hers.get(PAGE))
    work()
    assert answer(superuser, quiet, alice) == left
    assert one(superuser, "select count(*) from standing_answers") == 0
    assert operations(superuser)[-1].startswith("rule")


def test_the_meetings_page_says_that_a_rule_answered(hers, work, quiet):
    hers.submit(PAGE, which=str(weekday_of(quiet)), response="accepted")
    work()
    assert "One of your rules answered this." in words(hers.get(f"/meetings/{quiet.id}"))
    hers.submit(f"/meetings/{quiet.id}/answer", answer="accepted")
    assert "You said yes" in words(hers.get(f"/meetings/{quiet.id}"))


def test_a_rule_about_the_same_meetings_takes_the_place_of_the_one_before(hers, work, superuser, alice, quiet):
    for response in ("accepted", "declined"):
        hers.submit(PAGE, which=str(weekday_of(quiet)), response=response)
        work()
    assert answer(superuser, quiet, alice) == "declined"
    assert "I’m coming" not in words(hers.get(PAGE), "h3") and "not this time" in words(hers.get(PAGE), "h3")


def test_a_rule_of_somebody_else_is_not_there(hers, sign_in, superuser, bob, quiet):
    hers.submit(PAGE, which="1", response="accepted")
    rule = one(superuser, "select id from standing_answers")
    for press in ("undo", "end"):
        assert sign_in(bob).submit(f"{PAGE}/{rule}/{press}").status_code == 404
    assert "You have no rules." in words(sign_in(bob).get(PAGE))
    assert one(superuser, "select ended_at from standing_answers") is None


@pytest.mark.parametrize(
    ("path", "form", "field", "sentence"),
    [
        ("", {"response": "accepted"}, "which", "Choose a weekday or a series from the list."),
        ("", {"which": "9", "response": "accepted"}, "which", "Choose a weekday or a series from the list."),
        ("", {"which": "2"}, "response", "Choose an answer."),
        ("", {"which": "2", "response": "perhaps"}, "response", "Choose an answer."),
        (
            "",
            {"which": "2", "response": "accepted", "last_day": str(TODAY - timedelta(days=2))},
            "last_day",
            "That day is over. Choose today or a later one.",
        ),
        ("", {"which": "2", "response": "accepted", "last_day": "soon"}, "last_day", "Choose a day that exists."),
        ("/away", {"away_from": ""}, "away_from", "Choose a day that exists."),
        (
            "/away",
            {"away_from": str(TODAY + timedelta(days=9)), "away_until": str(TODAY + timedelta(days=8))},
            "away_until",
            "The last day is before the first.",
        ),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_written(hers, superuser, path, form, field, sentence):
    posted = hers.submit(PAGE + path, **form)
    assert (posted.status_code, said_at(posted, field)) == (422, sentence)
    assert one(superuser, "select count(*) from standing_answers") == 0


def test_what_was_typed_stays_after_a_refusal(hers):
    posted = hers.submit(PAGE, which="2", response="accepted", last_day="2020-01-01")
    assert '<option selected value="2">' in posted.text and 'value="2020-01-01"' in posted.text


def test_nobody_has_more_than_fifty_rules(hers, superuser, alice):
    superuser.execute(
        "insert into standing_answers (user_id, kind, response, starts_at)"
        " select %s, 'away', 'declined', now() from generate_series(1, 50)",
        [alice.id],
    )
    posted = hers.submit(f"{PAGE}/away", away_from=str(TOMORROW))
    assert said_at(posted, "away_until") == "You have as many rules as one person can have. End one first."


def test_who_has_no_plan_reads_that_a_yes_needs_one(sign_in, eve):
    assert "A yes needs a plan" in words(sign_in(eve).get(PAGE))


def test_closing_the_account_removes_rules_and_notes(as_, superuser, alice, bob, quiet):
    superuser.execute(
        "insert into standing_answers (user_id, kind, response, starts_at) values (%s, 'away', 'declined', now())",
        [bob.id],
    )
    invite(superuser, bob, quiet, answer="accepted", note="I’ll be late.")
    with as_(bob) as db:
        db.execute("select * from auth.close_account()")
    assert one(superuser, "select count(*) from standing_answers") == 0
    assert one(superuser, "select note from meeting_attendances") is None


def test_the_copy_of_ones_data_has_rules_and_notes(hers, superuser, alice, quiet):
    hers.submit(PAGE, which="2", response="accepted")
    invite(superuser, alice, quiet, answer="accepted", note="I’ll be late.")
    copy = hers.get("/account/data.json").json
    assert [rule["weekday"] for rule in copy["rules"]] == [2]
    assert [meeting["note"] for meeting in copy["meetings"]] == ["I’ll be late."]
