"""An admin's page of one meeting: its numbers, who made it, who came, and the word on who did."""

import re
from datetime import timedelta

import pytest

from portal.attendance import jobs
from portal.clock import at
from tests.support.cast import crowd
from tests.support.presence import has_room, seen
from tests.support.reading import (
    answers,
    do,
    invite,
    link,
    one,
    operations,
    plain,
    plan,
    rows,
    said_at,
    statements,
    words,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, people):
    """Two days from now, two places."""
    return plan(superuser, "Tonight", days=2, max_attendees=2)


@pytest.fixture
def over(superuser, tonight, worker_app, alice, bob, charlie):
    """The same meeting, settled: Alice was there, Bob said yes and was not, Charlie said no."""
    has_room(superuser, tonight)
    invite(superuser, alice, tonight, answer="accepted")
    seen(superuser, alice, tonight, 0, 57, device="tablet")
    invite(superuser, bob, tonight, answer="accepted")
    invite(superuser, charlie, tonight, answer="declined")
    do(worker_app, jobs.sweep, tonight.starts_at)
    do(worker_app, jobs.sweep, tonight.ends_at + HOUR)
    superuser.execute("delete from system_logs")
    return tonight


def figures(answer):
    """Number by label."""
    return {
        label: number for number, _, label in (row.partition(" ") for row in rows(answer, "li")) if number.isdigit()
    }


def test_before_it_the_numbers_are_the_answers(desk, superuser, tonight, alice, bob, charlie):
    answers(superuser, tonight.id, accepted=[alice], waitlisted=[bob], declined=[charlie])
    shown = figures(desk.get(f"/admin/meetings/{tonight.id}"))
    assert shown == {"can come": "4", "said yes": "1", "said no": "1", "no answer yet": "1", "waiting": "1"}


def test_after_it_they_are_what_came_of_it(desk, over):
    with at(over.ends_at + HOUR):
        answer = desk.get(f"/admin/meetings/{over.id}")
    assert figures(answer) == {
        "could come": "4",
        "came": "1",
        "said yes and did not come": "1",
        "came from outside the club’s own domains": "0",
        "minutes each stayed": "57",
    }
    assert "60 minutes planned, on Zoom. 57 minutes from the first arrival to the last departure." in words(answer)
    assert "Known from" in words(answer) and rows(answer, "tr")[1].endswith("Tablet The platform, live")


def test_how_many_could_come_is_noted_when_it_begins(worker_app, superuser, tonight):
    do(worker_app, jobs.sweep, tonight.starts_at)
    crowd(superuser, 3)
    assert one(superuser, "select invited_count from meetings") == 4


def test_of_a_private_one_it_is_its_guests(worker_app, superuser, secret, alice, bob):
    answers(superuser, secret.id, invited=[alice, bob])
    do(worker_app, jobs.sweep, secret.starts_at)
    assert one(superuser, "select invited_count from meetings") == 2


def test_who_came_with_minutes_and_device(desk, over):
    with at(over.ends_at + HOUR):
        answer = desk.get(f"/admin/meetings/{over.id}")
    table = rows(answer, "tr")
    assert "Alice alice@club.example 21:00 to 21:57 57 Tablet" in table[1]
    headed = [plain(heading) for heading in re.findall(r"<h3>(.*?)</h3>", answer.text, re.S)]
    assert headed == ["Came: 1", "Did not come: 1", "Said no: 1"]
    assert sum("Bob" in row for row in table) == 1


def test_it_says_who_planned_it(desk, superuser, dora, given):
    desk.submit("/admin/meetings/new", **given)
    meeting = one(superuser, "select id from meetings")
    assert "Planned by Dora on" in words(desk.get(f"/admin/meetings/{meeting}"))
    superuser.execute("update meetings set created_by = null")
    assert "Planned by somebody whose account is gone on" in words(desk.get(f"/admin/meetings/{meeting}"))
    superuser.execute("update meetings set origin = 'daily-job'")
    assert "Created from the club’s daily meeting on" in words(desk.get(f"/admin/meetings/{meeting}"))


def test_it_leads_to_what_can_be_done(desk, superuser, alice, secret):
    answers(superuser, secret.id, requested=[alice])
    page = desk.get(f"/admin/meetings/{secret.id}")
    assert link(page, "Answer 1 request") == f"/meetings/{secret.id}/requests"
    assert link(page, "Who is invited") == f"/meetings/{secret.id}/guests"
    assert link(page, "Edit") == f"/admin/meetings/{secret.id}/edit"
    assert link(desk.get("/admin/meetings"), "Secret") == f"/admin/meetings/{secret.id}"


def test_a_large_one_shows_a_hundred_and_finds_the_others(desk, superuser, tonight):
    superuser.execute("update meetings set max_attendees = null")
    answers(superuser, tonight.id, accepted=crowd(superuser, 120))
    path = f"/admin/meetings/{tonight.id}"
    page = desk.get(path)
    assert len(rows(page, "tr")) == 102 and "The first hundred; type a name to find another." in words(page)
    assert len([row for row in rows(desk.get(f"{path}?q=guest%20guest7@"), "tr") if "guest7@" in row]) == 1
    assert "Nobody by that name." in words(desk.get(f"{path}?q=zzz"))


def test_it_costs_no_more_for_a_hundred_people(app, desk, superuser, tonight, alice):
    def cost():
        with statements() as sent:
            desk.get(f"/admin/meetings/{tonight.id}")
        return len(sent)

    desk.get("/admin/meetings")
    few = cost()
    answers(superuser, tonight.id, declined=crowd(superuser, 90))
    assert cost() == few <= 6


# --- corrections -----------------------------------------------------------------------------------------------------


@pytest.fixture
def corrects(desk, over):
    """`corrects(bob, "attended")`: the admin's word, an hour after the end."""

    def press(person, outcome, reason="Dialled in by phone.", after=HOUR):
        with at(over.ends_at + after):
            return desk.submit(f"/admin/meetings/{over.id}/attendances/{person.id}", outcome=outcome, reason=reason)

    return press


def status(postgres, person):
    return one(postgres, "select status from meeting_attendances where user_id = %s", person.id)


def test_who_came_by_phone_came(corrects, desk, superuser, bob, dora, over):
    assert corrects(bob, "attended").location == f"/admin/meetings/{over.id}"
    assert status(superuser, bob) == "attended"
    row = superuser.execute("select operation, user_id, subject_id, meeting_id, metadata ->> 'reason' from system_logs")
    assert row.fetchone() == ("attendance.corrected", dora.id, bob.id, over.id, "Dialled in by phone.")
    with at(over.ends_at + HOUR):
        page = desk.get(f"/admin/meetings/{over.id}")
        assert "Corrected" in words(page) and figures(page)["came"] == "2"


def test_who_only_left_a_tab_open_did_not_come(corrects, superuser, alice, charlie):
    corrects(alice, "no_show")
    corrects(charlie, "attended")
    corrects(charlie, "no_show")
    assert (status(superuser, alice), status(superuser, charlie)) == ("no_show", "declined")


def test_a_reason_is_needed(corrects, superuser, bob):
    answer = corrects(bob, "attended", reason=" ")
    assert answer.status_code == 422 and said_at(answer, "reason") == "Say why in a sentence. It is kept in the log."
    assert status(superuser, bob) == "no_show" and operations(superuser) == []


def test_the_word_is_yes_or_no(corrects, bob):
    assert corrects(bob, "perhaps").status_code == 422


@pytest.mark.parametrize(("days", "code"), [(30, 303), (31, 409)])
def test_it_is_for_thirty_days(corrects, sign_in, superuser, bob, days, code):
    superuser.execute(
        "update sign_ins set created_at = created_at + interval '30 days', seen_at = seen_at + interval '30 days'"
    )
    assert corrects(bob, "attended", after=timedelta(days=days)).status_code == code


def test_before_it_is_settled_there_is_nothing_to_correct(desk, superuser, tonight, alice):
    answers(superuser, tonight.id, accepted=[alice])
    path = f"/admin/meetings/{tonight.id}/attendances/{alice.id}"
    assert " came" not in words(desk.get(path))
    assert desk.submit(path, outcome="attended", reason="I say so.").status_code == 409


def test_who_has_no_row_is_nowhere(desk, over, eve):
    assert desk.get(f"/admin/meetings/{over.id}/attendances/{eve.id}").status_code == 404


def test_a_correction_is_what_settling_leaves_alone(corrects, superuser, worker_app, bob, over):
    corrects(bob, "attended")
    superuser.execute("update meetings set status = 'active'")
    do(worker_app, jobs.sweep, over.ends_at + 2 * HOUR)
    assert status(superuser, bob) == "attended"


def test_members_correct_nothing(as_, superuser, over, bob):
    with as_(bob) as db:
        assert db.execute("select correct_attendance(%s, %s, true, 'I was.')", [over.id, bob.id]).fetchall() == []


# --- where nobody could be seen --------------------------------------------------------------------------------------


def test_a_meeting_nobody_could_be_seen_in_says_so(desk, superuser, worker_app, tonight, alice):
    invite(superuser, alice, tonight, answer="accepted")
    do(worker_app, jobs.sweep, tonight.ends_at + HOUR)
    with at(tonight.ends_at + 2 * HOUR):
        answer = desk.get(f"/admin/meetings/{tonight.id}")
    assert "Nobody could be seen in the room, so nobody’s attendance was recorded." in words(answer)
    assert figures(answer) == {"said yes": "1", "said no": "0"}


def test_until_the_platform_has_reported_the_numbers_are_provisional(desk, superuser, over):
    path, sentence = f"/admin/meetings/{over.id}", "These numbers are provisional"
    with at(over.ends_at + 2 * HOUR):
        assert sentence in words(desk.get(path))
        superuser.execute("update meetings set attendance_record = 'final'")
        assert sentence not in words(desk.get(path))
