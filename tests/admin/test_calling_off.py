"""Calling off, and holding after all: who is told, and what is kept."""

from datetime import timedelta

import pytest

from portal.clock import at
from tests.support.reading import answers, one, operations, rows, said_at, words

HOUR = timedelta(hours=1)


def test_who_is_told_is_counted_first(desk, superuser, alice, bob, charlie, mending_id):
    answers(superuser, mending_id, accepted=[alice], requested=[bob], declined=[charlie])
    assert "2 people are told at once" in words(desk.get(f"/admin/meetings/{mending_id}/cancellation"))


def test_calling_off_needs_a_reason(desk, superuser, mending_id):
    answer = desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason=" ")
    assert answer.status_code == 422 and said_at(answer, "reason") == "Say why, in a sentence everybody may read."
    assert one(superuser, "select status from meetings") == "scheduled"


def test_a_cancelled_meeting_is_told_to_all_who_were_coming(
    desk, work, mails, superuser, alice, bob, charlie, mending_id
):
    answers(superuser, mending_id, accepted=[alice], waitlisted=[bob], declined=[charlie])
    answer = desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    assert answer.location == "/admin/meetings"
    work()
    assert [len(mails(person.email)) for person in (alice, bob, charlie)] == [1, 1, 0]
    (mail,) = mails(alice.email)
    assert (
        mail["subject"] == "Cancelled: Mending hour"
        and "The host is ill." in mail["text"]
        and "The host is ill." in mail["html"]
    )
    assert one(superuser, "select answer from meeting_attendances where user_id = %s", alice.id) == "accepted"


def test_a_cancellation_is_noted_with_its_reason(desk, superuser, dora, mending_id):
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    row = superuser.execute("select operation, user_id, meeting_id, metadata ->> 'reason' from system_logs").fetchone()
    assert row == ("meeting.cancelled", dora.id, mending_id, "The host is ill.")


def test_calling_off_twice_is_refused_and_told_once(desk, work, mails, superuser, alice, mending_id):
    answers(superuser, mending_id, accepted=[alice])
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    again = desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="Still ill.")
    work()
    assert again.status_code == 409 and "This meeting has begun, is over or is cancelled" in words(again)
    assert (
        one(superuser, "select cancellation_reason from meetings") == "The host is ill."
        and len(mails(alice.email)) == 1
    )


def test_what_is_over_cannot_be_called_off(desk, superuser, mending):
    with at(mending[1] + 2 * HOUR):
        answer = desk.submit(f"/admin/meetings/{mending[0]}/cancellation", reason="The host is ill.")
    assert answer.status_code == 409 and one(superuser, "select status from meetings") == "scheduled"


def test_a_meeting_under_way_can_be_called_off(desk, mending):
    with at(mending[1] + HOUR / 2):
        assert desk.submit(f"/admin/meetings/{mending[0]}/cancellation", reason="The line broke.").status_code == 303


def test_a_cancelled_meeting_stays_on_the_list_without_buttons(desk, mending_id):
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    answer = desk.get("/admin/meetings")
    assert "Cancelled" in rows(answer)[0] and f"/admin/meetings/{mending_id}/edit" not in answer.text


def test_a_mail_to_somebody_who_left_the_club_is_not_written(desk, work, mails, superuser, alice, mending_id):
    answers(superuser, mending_id, accepted=[alice])
    superuser.execute("update users set is_active = false where id = %s", [alice.id])
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    work()
    assert mails(alice.email) == []


def test_a_move_that_was_called_off_meanwhile_is_told_as_that(desk, work, mails, superuser, alice, mending_id, save):
    answers(superuser, mending_id, accepted=[alice])
    save(start_time="20:00")
    desk.submit(f"/admin/meetings/{mending_id}/cancellation", reason="The host is ill.")
    work()
    assert [mail["subject"] for mail in mails(alice.email)] == ["Cancelled: Mending hour"]


def test_a_meeting_nobody_planned_is_nowhere(desk):
    for path in ("edit", "cancellation"):
        assert desk.get(f"/admin/meetings/00000000-0000-0000-0000-000000000001/{path}").status_code == 404


# --- holding after all -----------------------------------------------------------------------------------------------


@pytest.fixture
def called_off(desk, superuser, mending):
    """Mending hour, cancelled."""
    desk.submit(f"/admin/meetings/{mending[0]}/cancellation", reason="The host is ill.")
    superuser.execute("delete from system_logs; delete from procrastinate_jobs")
    return mending


def back(desk, meeting):
    """The button beside a cancelled meeting."""
    return desk.submit(f"/admin/meetings/{meeting[0]}/cancellation/back")


def test_a_cancellation_is_taken_back_and_told(desk, work, mails, superuser, alice, called_off):
    answers(superuser, called_off[0], accepted=[alice])
    assert back(desk, called_off).location == "/admin/meetings"
    assert superuser.execute("select status, cancellation_reason from meetings").fetchone() == ("scheduled", None)
    work()
    assert mails(alice.email)[0][
        "subject"
    ] == "Taking place after all: Mending hour" and "meeting.reinstated" in operations(superuser)


def test_the_button_is_there_while_it_is_ahead(desk, called_off):
    assert "Reinstate" in rows(desk.get("/admin/meetings"))[0]
    with at(called_off[1]):
        assert "Reinstate" not in rows(desk.get("/admin/meetings"))[0]


def test_what_would_have_begun_stays_called_off(desk, superuser, called_off):
    with at(called_off[1]):
        answer = back(desk, called_off)
    assert answer.status_code == 409 and one(superuser, "select status from meetings") == "cancelled"


def test_what_was_never_called_off_cannot_be_held_after_all(desk, superuser, mending):
    assert back(desk, mending).status_code == 409 and operations(superuser) == []


def test_who_waited_gets_what_came_free_meanwhile(desk, work, mails, superuser, alice, called_off):
    answers(superuser, called_off[0], waitlisted=[alice])
    back(desk, called_off)
    assert one(superuser, "select answer from meeting_attendances") == "offered"
