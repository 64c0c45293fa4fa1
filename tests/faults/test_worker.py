"""The worker killed in the middle of its mail: another does what was left, and nobody gets a mail twice."""

import time

from tests.support import cast


def test_mail_left_by_a_killed_worker_is_sent_by_the_next_and_once(faulty):
    with faulty.postgres.database.connect(autocommit=True) as postgres:
        guests = cast.crowd(postgres, 60)
        supper = cast.plan_meeting(postgres, "Supper", max_attendees=None)
        postgres.execute(
            "insert into meeting_attendances (meeting_id, user_id, answer) select %s, unnest(%s::uuid[]), 'accepted'",
            [supper.id, [guest.id for guest in guests]],
        )
        status, _text = faulty.ask(
            "POST", f"/admin/meetings/{supper.id}/cancellation", cast.DORA, "reason=The+host+is+ill"
        )
        assert status == 303
        until(lambda: postgres.execute("select count(*) from sandbox_mails").fetchone()[0] > 3)
        faulty.club.kill_worker()
        faulty.club.start_worker()
        told = "select count(*), count(distinct recipient) from sandbox_mails where subject like 'Cancelled%'"
        until(lambda: postgres.execute(told).fetchone()[0] >= 60, seconds=90)
        assert postgres.execute(told).fetchone() == (60, 60)
        assert postgres.execute("select count(*) from mails where state = 'sent'").fetchone() == (60,)
    assert faulty.broken_promises() == ""


def until(true, seconds=40):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
