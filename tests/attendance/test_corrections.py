"""A host corrects who came, for thirty days after the meeting."""

import pytest

from tests.support.reading import answers, invite, link, one, operations, plan, words

OUTCOME = "select outcome from meeting_attendances where user_id = %s"


@pytest.fixture
def held(superuser, alice, bob, charlie):
    """Alice led it; Bob said yes and was not seen."""
    meeting = plan(superuser, "Held", days=-1, status="completed", host_id=alice.id, attendance_record="final")
    answers(superuser, meeting.id, accepted=[alice, bob], declined=[charlie])
    superuser.execute("update meeting_attendances set outcome = 'no_show' where user_id = %s", [bob.id])
    return meeting


def test_the_host_corrects_who_came_with_a_reason(sign_in, superuser, held, alice, bob):
    host, path = sign_in(alice), f"/meetings/{held.id}/attendances"
    assert link(host.get(f"/meetings/{held.id}"), "Who came") == path
    page = words(host.get(path))
    assert "Bob Did not come" in page and "Alice" not in page and "Charlie" not in page
    assert host.submit(path, person=bob.id, outcome="attended", reason="").status_code == 422
    host.submit(path, person=bob.id, outcome="attended", reason="Dialled in by phone.")
    assert one(superuser, OUTCOME, bob.id) == "attended" and "Bob Came corrected" in words(host.get(path))
    assert "attendance.corrected" in operations(superuser)


def test_nobody_else_does_and_the_host_not_of_themselves(sign_in, as_, superuser, held, alice, bob, charlie):
    path = f"/meetings/{held.id}/attendances"
    assert sign_in(bob).get(path).status_code == sign_in(charlie).get(path).status_code == 404
    assert sign_in(alice).submit(path, person=alice.id, outcome="attended", reason="I was.").status_code == 422
    for person, about in ((bob, bob), (alice, alice)):
        with as_(person) as db:
            assert db.execute("select correct_attendance(%s, %s, true, 'So.')", [held.id, about.id]).fetchall() == []
    assert one(superuser, OUTCOME, bob.id) == "no_show"


def test_after_thirty_days_it_stands(sign_in, superuser, alice, bob):
    old = plan(superuser, "Old", days=-32, status="completed", host_id=alice.id, attendance_record="final")
    invite(superuser, bob, old, answer="accepted", outcome="no_show")
    path = f"/meetings/{old.id}/attendances"
    assert "Attendance can be corrected for 30 days" in words(sign_in(alice).get(path))
    assert sign_in(alice).submit(path, person=bob.id, outcome="attended", reason="Late.").status_code in (400, 422)
    assert one(superuser, OUTCOME, bob.id) == "no_show"
