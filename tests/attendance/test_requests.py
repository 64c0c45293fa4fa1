"""Who asks for a place, and whose word it is: the host's and an admin's, on one page."""

from datetime import timedelta

import pytest

from tests.support.reading import invite, link, one, operations, plan, rows, words

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(sign_in, dora):
    """The admin's browser."""
    return sign_in(dora)


@pytest.fixture
def asked(superuser, alice, bob):
    """Alice asked for a place, then Bob."""
    meeting = plan(superuser, "Circle", days=3, requires_approval=True, max_attendees=1)
    for n, person in enumerate((alice, bob)):
        invite(superuser, person, meeting, answer="requested", responded_at=meeting.starts_at - (30 - n) * HOUR)
    return meeting


def test_who_asks_is_listed_in_order(desk, asked):
    answer = desk.get(f"/meetings/{asked.id}/requests")
    assert words(answer, "h1") == "2 people ask to join"
    assert [row.split()[0] for row in rows(answer, "li") if "Asked" in row] == ["Alice", "Bob"]
    assert link(desk.get("/admin/meetings"), "Answer them") == f"/meetings/{asked.id}/requests"


def test_who_decides_reads_how_often_somebody_came_here_and_elsewhere(desk, superuser, alice, asked):
    for days, title in ((-9, "Circle"), (-2, "Supper")):
        been = plan(superuser, title, days=days, status="completed")
        invite(superuser, alice, been, answer="accepted", joined_at=been.starts_at)
    alices, bobs = [row for row in rows(desk.get(f"/meetings/{asked.id}/requests"), "li") if "Asked" in row]
    assert (
        "Came to 2 meetings, 1 of them Circle; here since " in alices
        and "Has not been to a meeting yet; here since " in bobs
    )


@pytest.mark.parametrize(("asking", "said"), [(1, "1 person asks to join"), (0, "Nobody asks to join")])
def test_the_heading_counts_them(desk, superuser, alice, bob, asked, asking, said):
    superuser.execute("delete from meeting_attendances where user_id = any (%s)", [[alice.id, bob.id][asking:]])
    assert words(desk.get(f"/meetings/{asked.id}/requests"), "h1") == said


@pytest.mark.parametrize(
    ("decision", "flash", "operation"),
    [
        ("accept", "Alice has a place, and is told by mail.", "request.accepted"),
        ("reject", "Alice is told that there is no place this time.", "request.rejected"),
    ],
)
def test_a_decision_is_said_and_noted(desk, superuser, alice, asked, decision, flash, operation):
    answer = desk.submit(
        f"/meetings/{asked.id}/requests/{alice.id}", decision=decision, reason=" Come\x00 next  week. "
    )
    assert flash in words(desk.get(answer.location))
    row = superuser.execute("select operation, subject_id, metadata ->> 'reason' from system_logs").fetchone()
    assert row[:2] == (operation, alice.id)


def test_accepting_beyond_the_places_is_the_line(desk, alice, bob, asked):
    desk.submit(f"/meetings/{asked.id}/requests/{alice.id}", decision="accept")
    answer = desk.submit(f"/meetings/{asked.id}/requests/{bob.id}", decision="accept")
    assert "Every place is taken, so Bob is in the line." in words(desk.get(answer.location))


def test_a_request_that_was_answered_meanwhile_is_left_alone(desk, superuser, alice, charlie, asked):
    for person in (alice, alice, charlie):
        answer = desk.submit(f"/meetings/{asked.id}/requests/{person.id}", decision="reject")
    assert "Somebody was quicker: this request is answered already." in words(desk.get(answer.location))
    assert operations(superuser) == ["request.rejected"]


def test_a_decision_is_yes_or_no(desk, alice, asked):
    assert desk.submit(f"/meetings/{asked.id}/requests/{alice.id}", decision="perhaps").status_code == 422


def test_a_reason_is_one_plain_line(desk, superuser, alice, asked):
    desk.submit(
        f"/meetings/{asked.id}/requests/{alice.id}", decision="reject", reason=" Come\n\u202enext  week. " + "x" * 400
    )
    reason = one(superuser, "select reason from meeting_attendances where user_id = %s", alice.id)
    assert reason.startswith("Come next week.") and len(reason) == 300


# --- the host --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hosted(superuser, charlie, asked):
    """The same meeting, led by Charlie."""
    superuser.execute("update meetings set host_id = %s", [charlie.id])
    return asked


def test_the_host_answers_who_asks(sign_in, superuser, alice, charlie, hosted):
    his = sign_in(charlie)
    assert link(his.get(f"/meetings/{hosted.id}"), "Answer them") == f"/meetings/{hosted.id}/requests"
    assert "Alice" in words(his.get(f"/meetings/{hosted.id}/requests"))
    his.submit(f"/meetings/{hosted.id}/requests/{alice.id}", decision="accept")
    assert one(superuser, "select answer from meeting_attendances where user_id = %s", alice.id) == "accepted"


def test_the_host_reads_names_and_no_addresses(sign_in, alice, charlie, hosted):
    assert alice.email not in sign_in(charlie).get(f"/meetings/{hosted.id}/requests").text


def test_who_does_not_host_it_finds_nothing(sign_in, superuser, alice, bob, hosted):
    hers = sign_in(bob)
    assert hers.get(f"/meetings/{hosted.id}/requests").status_code == 404
    assert hers.submit(f"/meetings/{hosted.id}/requests/{alice.id}", decision="accept").status_code == 404
    assert "You host this" not in hers.get(f"/meetings/{hosted.id}").text


def test_an_admin_without_the_second_factor_finds_nothing(sign_in, superuser, dora, hosted):
    browser = sign_in(dora)
    superuser.execute("update sign_ins set proved_at = null")
    assert browser.get(f"/meetings/{hosted.id}/requests").status_code == 404


def test_the_host_is_told_once_until_they_are_answered(
    sign_in, work, mails, superuser, alice, bob, eve, charlie, circle
):
    superuser.execute("update meetings set host_id = %s", [charlie.id])
    for person in (alice, bob):
        sign_in(person).submit(f"/meetings/{circle.id}/answer", answer="accepted")
        work()
    (mail,) = mails(charlie.email)
    assert mail["subject"] == "1 person asks to join Circle" and f"/meetings/{circle.id}/requests" in mail["text"]


def test_who_asks_after_the_others_were_answered_is_told_too(
    sign_in, work, mails, superuser, alice, bob, charlie, circle
):
    superuser.execute("update meetings set host_id = %s", [charlie.id])
    for person in (alice, bob):
        sign_in(person).submit(f"/meetings/{circle.id}/answer", answer="accepted")
        work()
        sign_in(charlie).submit(f"/meetings/{circle.id}/requests/{person.id}", decision="accept")
    assert len(mails(charlie.email)) == 2
