"""Yes for all of us: places for the whole family or for none of it, and a line that neither forgets nor waits for them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from portal import clock
from tests.conftest import BECOME
from tests.support.cast import crowd, plan_meeting
from tests.support.families import seat, unseat
from tests.support.reading import words
from tests.support.waitlist import Waitlist, one

SECOND = timedelta(seconds=1)


@pytest.fixture
def us(superuser, alice, bob, eve):
    """Alice, Bob and Eve: one family, and both let it answer for them."""
    seat(superuser, eve)
    superuser.execute("update users set family_may_answer = true where id in (%s, %s)", [bob.id, eve.id])
    return alice, bob, eve


@pytest.fixture
def guests(superuser, us):
    return crowd(superuser, 9)


@pytest.fixture
def table(as_, superuser, now, us):
    """`table(4)`: the line of a meeting with so many places."""

    def with_places(places, **columns):
        meeting = plan_meeting(superuser, "Table", max_attendees=places, **columns)
        return Waitlist(as_, superuser, meeting, now)

    return with_places


def together(line, person):
    line.now += SECOND
    with clock.at(line.now), line.as_(person) as db:
        return db.execute(
            "select answer, cardinality(people), refusal, offered from rsvp_together(%s)", [line.meeting.id]
        ).fetchone()


def says(line, person, wish="accepted"):
    line.now += SECOND
    return line.says(person, wish)


# --- who is us -------------------------------------------------------------------------------------------------------


def test_all_of_us_have_places_by_one_press(table, us):
    line = table(4)
    assert together(line, us[0]) == ("accepted", 3, None, [])
    assert line.answers(us) == ["accepted"] * 3 and line.numbers() == line.counted() == (3, 0, 0)


def test_pressing_again_is_once(table, us):
    line = table(None)
    together(line, us[0])
    assert together(line, us[1])[2] == "nobody" and line.numbers() == (3, 0, 0)


def test_nobody_is_answered_for_who_has_not_allowed_it_or_said_no_or_is_not_covered(table, superuser, us):
    alice, bob, eve = us
    line = table(4)
    says(line, bob, "declined")
    superuser.execute("update users set family_may_answer = false where id = %s", [eve.id])
    assert together(line, alice)[:2] == ("accepted", 1)
    assert line.answers(us) == ["accepted", "declined", None]


def test_a_former_member_is_none_of_us(table, superuser, us):
    unseat(superuser, us[1])
    line = table(4)
    assert together(line, us[0])[1] == 2 and line.answers(us) == ["accepted", None, "accepted"]


def test_who_has_no_family_answers_alone(table, charlie):
    assert together(table(4), charlie)[2] == "nobody"


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({"is_private": True}, "unknown"),
        ({"requires_approval": True}, "unknown"),
        ({"status": "cancelled", "cancellation_reason": "Ill."}, "cancelled"),
    ],
)
def test_some_meetings_are_answered_by_each_alone(table, us, columns, refusal):
    line = table(4, **columns)
    assert together(line, us[0])[2] == refusal and line.counted() == (0, 0, 0)


def test_more_of_us_than_places_are_told_so(table, us):
    assert together(table(2), us[0])[2] == "too-many"


# --- waiting as one --------------------------------------------------------------------------------------------------


def test_where_all_do_not_fit_all_wait_as_one(table, us, guests):
    line = table(4)
    line.accepts(*guests[:2])
    assert together(line, us[0])[0] == "waitlisted" and line.numbers() == (2, 3, 0)


def test_places_for_all_are_one_offer_and_who_takes_it_takes_it_for_all(table, us, guests):
    line = table(4)
    line.accepts(*guests[:2])
    together(line, us[0])
    assert set(says(line, guests[0], "declined").offered) == {person.id for person in us}
    assert says(line, us[1]).answer == "accepted"
    assert line.answers(us) == ["accepted"] * 3 and line.counted() == (4, 0, 0)


def test_passing_an_offer_on_is_ones_own(table, us, guests):
    line = table(4)
    line.accepts(*guests[:2])
    together(line, us[0])
    says(line, guests[0], "declined")
    says(line, us[2], "declined")
    assert line.answers(us) == ["offered", "offered", "withdrawn"]
    says(line, us[0])
    assert line.answers(us) == ["accepted", "accepted", "withdrawn"]


def test_an_offer_to_all_that_runs_out_runs_out_for_all(table, us, guests):
    line = table(4)
    line.accepts(*guests[:2])
    together(line, us[0])
    says(line, guests[0], "declined")
    line.advance(line.now + timedelta(hours=13))
    assert line.answers(us) == ["withdrawn"] * 3


def test_a_party_that_does_not_fit_is_passed_over_three_times_and_then_kept_for(table, us, guests):
    line = table(4)
    line.accepts(*guests[:4])
    together(line, us[0])
    for guest in guests[4:9]:
        assert says(line, guest).answer == "waitlisted"
    for passed in range(1, 4):  # one place at a time goes to who is behind
        assert says(line, guests[passed - 1], "declined").offered == [guests[3 + passed].id]
        assert line.of(us[0], "party_skips") == passed
    for guest in (guests[3], guests[4]):  # from now on free places are kept
        assert says(line, guest, "declined").offered == []
    assert line.numbers()[0] == 2
    assert set(says(line, guests[5], "declined").offered) == {person.id for person in us}
    assert line.answers(us) == ["offered"] * 3


def test_who_comes_while_a_place_is_free_that_a_party_cannot_use_has_it(table, us, guests):
    line = table(4)
    line.accepts(*guests[:2])
    together(line, us[0])
    assert says(line, guests[2]).answer == "accepted" and line.of(us[0], "party_skips") == 1
    assert line.counted() == (3, 3, 0)


def test_who_leaves_the_party_makes_it_small_enough(table, us, guests):
    line = table(4)
    line.accepts(*guests[:2])
    together(line, us[0])
    assert set(says(line, us[2], "declined").offered) == {us[0].id, us[1].id}


def test_each_may_change_their_own_answer_afterwards(table, us):
    line = table(4)
    together(line, us[0])
    says(line, us[1], "declined")
    assert line.answers(us) == ["accepted", "declined", "accepted"] and line.of(us[1], "party_id") is None


# --- at once ---------------------------------------------------------------------------------------------------------


def test_however_families_and_others_come_at_once_nobody_is_one_too_many(database, superuser, table, us, guests):
    wrong = []
    for _round in range(6):
        superuser.execute("delete from meetings")
        line = table(4)
        everybody = [*us, *guests[:5]]
        start = threading.Barrier(len(everybody))

        def act(person, line=line, start=start):
            statements = [
                ("select rsvp_together(%s)", ()),
                ("select rsvp(%s, %s)", ("declined",)),
                ("select rsvp(%s, %s)", ("accepted",)),
            ]
            with database.connect("portal_web") as db:
                start.wait()
                for statement, more in statements if person in us else statements[2:] + statements[1:]:
                    try:
                        with db.transaction():
                            db.execute(BECOME, {"role": "portal_member", "user_id": str(person.id)})
                            db.execute(statement.encode(), [line.meeting.id, *more])
                    except psycopg.Error as error:
                        wrong.append(error)

        with ThreadPoolExecutor(len(everybody)) as threads:
            list(threads.map(act, everybody))
        assert wrong == [] and line.numbers() == line.counted() and line.numbers()[0] <= 4
        line.advance()
        taken, waiting, _ = line.counted()
        party = one(
            superuser, "select count(*) from meeting_attendances where answer = 'waitlisted' and party_id is not null"
        )
        if waiting and taken != 4:
            assert party and 4 - taken < party


# --- on the page -----------------------------------------------------------------------------------------------------


def test_the_page_says_who_all_of_us_are_and_takes_the_yes(sign_in, work, mails, supper, superuser, us):
    superuser.execute("update meetings set max_attendees = 4 where id = %s", [supper.id])
    alice, bob, _ = us
    browser = sign_in(alice)
    page = words(browser.get(f"/meetings/{supper.id}"))
    assert (
        "All of us (3) For you, Bob and Eve. These are all who let the family answer for them and have not answered yet."
        in page
    )
    assert browser.submit(f"/meetings/{supper.id}/together", view="page").location == f"/meetings/{supper.id}"
    page = words(browser.get(f"/meetings/{supper.id}"))
    assert "You’re coming" in page and "All of us" not in page and "3 of 4 places taken" in page
    work()
    (mail,) = mails(bob.email)
    assert mail["subject"] == "You have a place: Supper" and "Alice said yes to Supper for all of you." in mail["text"]
    assert mails(alice.email) == []


def test_with_htmx_the_answer_changes_its_place(sign_in, superuser, supper, us):
    superuser.execute("update meetings set max_attendees = null where id = %s", [supper.id])
    answer = sign_in(us[0]).submit(f"/meetings/{supper.id}/together", htmx=True, view="page")
    assert answer.status_code == 200 and "<html" not in answer.text and "You’re coming" in answer.text


def test_too_few_places_are_one_sentence_on_the_page(sign_in, supper, us):
    answer = sign_in(us[0]).submit(f"/meetings/{supper.id}/together", view="page")
    assert answer.status_code == 409 and "There are fewer places than people in your family." in words(answer)


def test_who_is_asked_for_nobody_sees_no_such_button(sign_in, supper, charlie, alice, bob):
    for person in (charlie, alice):
        assert "All of us" not in words(sign_in(person).get(f"/meetings/{supper.id}"))


def test_letting_the_family_answer_is_each_ones_own_switch(sign_in, superuser, bob):
    browser = sign_in(bob)
    assert "Your family cannot answer for you." in words(browser.get("/family"))
    browser.submit("/family/answering", may="yes")
    assert "may say yes to an evening for you" in words(browser.get("/family"))
    browser.submit("/family/answering", may="no")
    assert one(superuser, "select family_may_answer from users where id = %s", bob.id) is False
