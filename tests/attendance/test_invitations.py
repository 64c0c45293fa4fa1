"""Daily invitations: everybody with access has a row for each open meeting of the days ahead, and nobody else sees more by it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal.attendance import jobs
from portal.attendance.invitations import missing
from portal.database.identity import Role
from portal.database.transactions import transaction
from tests.support.cast import ALICE
from tests.support.reading import answers, do, invite, one, plan, rows, until_somebody_waits

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def invited(postgres, meeting):
    """Who has a row of a meeting, by first name."""
    who = "select u.first_name from meeting_attendances a join users u on u.id = a.user_id where a.meeting_id = %s order by 1"
    return [name for (name,) in postgres.execute(who, [meeting.id]).fetchall()]


@pytest.fixture
def run(worker_app, people):
    """`run(moment)`: the job, at that moment or now."""
    return lambda moment=None: do(worker_app, jobs.invite_everybody, moment)


def test_everybody_with_access_is_invited_to_what_is_open(run, superuser, quiet):
    run()
    assert invited(superuser, quiet) == ["Alice", "Bob", "Charlie", "Dora"]


def test_nobody_is_written_to(run, superuser, quiet):
    run()
    assert one(superuser, "select count(*) from mails") == 0


def test_a_private_meeting_has_its_own_list(run, superuser, secret):
    run()
    assert invited(superuser, secret) == []


def test_nobody_is_invited_to_what_is_over_off_or_far_away(run, superuser, now):
    meetings = [
        plan(superuser, "Over", days=-1),
        plan(superuser, "Off", status="cancelled", cancellation_reason="Ill."),
        plan(superuser, "Far", days=9),
    ]
    run()
    assert [invited(superuser, meeting) for meeting in meetings] == [[], [], []]


def test_what_somebody_answered_stays(run, superuser, quiet, alice):
    answers(superuser, quiet.id, declined=[alice])
    run()
    assert one(superuser, "select answer from meeting_attendances where user_id = %s", alice.id) == "declined"


def test_it_is_noted_with_its_numbers(run, superuser, quiet, supper):
    run()
    assert superuser.execute("select outcome, well, details from runs").fetchone() == (
        "Wrote 8 invitations to 2 open meetings.",
        True,
        {"meetings": 2, "written": 8},
    )


def test_a_second_time_there_is_nothing_to_write(run, superuser, quiet):
    run()
    run()
    assert [row[0]["written"] for row in superuser.execute("select details from runs order by began_at")] == [4, 0]


def test_a_dry_run_tells_the_same_and_writes_nothing(app, superuser, quiet, dora):
    with transaction(app, Role("portal_admin", dora.id)) as session:
        (row,) = missing(session)
    assert (row.title, row.uninvited, invited(superuser, quiet)) == ("Quiet", 4, [])


def test_the_domain_is_known_as_of_any_other_row(run, superuser, quiet):
    superuser.execute("insert into club_domains values ('club.example')")
    run()
    assert one(superuser, "select distinct (email_domain, is_external_domain)::text from meeting_attendances") == (
        "(club.example,f)"
    )


def test_two_workers_at_once_write_each_row_once(worker_app, run, superuser, quiet):
    with ThreadPoolExecutor(2) as workers:
        for running in [workers.submit(run) for _ in range(2)]:
            running.result()
    written = "select sum((details ->> 'written')::integer) from runs"
    assert (one(superuser, written), len(invited(superuser, quiet))) == (4, 4)


def test_a_run_that_was_killed_is_caught_up(run, superuser, quiet, supper):
    """After the first meeting was kept, before the second."""
    first = quiet if (quiet.starts_at, quiet.id) < (supper.starts_at, supper.id) else supper
    superuser.execute("update meetings set everybody_invited_at = now()")
    superuser.execute("select invite_everybody(%s, now())", [first.id])
    run()
    assert len(invited(superuser, quiet)) == len(invited(superuser, supper)) == 4


# --- who gets access later -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begins",
    [
        "insert into access_grants (user_id, kind, starts_at, ends_at) values"
        " (%(eve)s, 'gift', now() - interval '1 day', now() + interval '9 days')",
        "insert into family_memberships (plan_id, user_id, role, state, joined_at)"
        " select id, %(eve)s, 'member', 'active', now() from family_plans",
    ],
    ids=["days from the club", "a seat in a family"],
)
def test_whoever_gets_access_is_invited_in_the_same_transaction(run, superuser, database, quiet, eve, begins):
    run()
    with database.connect() as other:
        other.execute(begins, {"eve": eve.id})
        other.execute("select refresh_projection(id, now()) from users where id in (%s, %s)", [eve.id, ALICE.id])
        assert "Eve" in invited(other, quiet)
        assert "Eve" not in invited(superuser, quiet)
    assert "Eve" in invited(superuser, quiet)


def test_so_is_whoever_is_no_longer_suspended(run, superuser, quiet, charlie):
    superuser.execute("update users set is_active = false where id = %s", [charlie.id])
    run()
    assert "Charlie" not in invited(superuser, quiet)
    superuser.execute("update users set is_active = true where id = %s", [charlie.id])
    assert "Charlie" in invited(superuser, quiet)


def test_a_newcomer_is_not_invited_to_what_nobody_was_invited_to_yet_nor_to_what_is_private(
    superuser, quiet, secret, charlie
):
    superuser.execute("update meetings set everybody_invited_at = now() where id = %s", [secret.id])
    superuser.execute("update users set is_active = false where id = %s", [charlie.id])
    superuser.execute("update users set is_active = true where id = %s", [charlie.id])
    assert (invited(superuser, quiet), invited(superuser, secret)) == ([], [])


# --- what the rows must not change -----------------------------------------------------------------------------------


def test_a_member_reads_that_there_is_no_answer_yet_as_before(run, sign_in, quiet, alice):
    before = rows(sign_in(alice).get("/meetings"))
    run()
    assert rows(sign_in(alice).get("/meetings")) == before


def test_a_meeting_that_becomes_private_is_hidden_from_who_was_only_invited_as_everybody(
    run, superuser, sign_in, quiet, alice, bob, charlie
):
    invite(superuser, bob, quiet)
    answers(superuser, quiet.id, accepted=[charlie])
    run()
    superuser.execute("update meetings set is_private = true where id = %s", [quiet.id])
    assert invited(superuser, quiet) == ["Bob", "Charlie"]
    assert sign_in(alice).get(f"/meetings/{quiet.id}").status_code == 404


def test_who_makes_it_private_waits_for_who_is_inviting_everybody(database, superuser, quiet, people):
    inviting, hiding = database.connect(), database.connect(autocommit=True)
    inviting.execute("select invite_everybody(%s, now())", [quiet.id])
    with ThreadPoolExecutor(1) as other:
        hidden = other.submit(hiding.execute, "update meetings set is_private = true where id = %s", [quiet.id])
        until_somebody_waits(superuser)
        inviting.commit()
        hidden.result()
    inviting.close()
    hiding.close()
    assert invited(superuser, quiet) == []


def test_a_closed_account_leaves_no_answers_it_never_gave(run, superuser, as_, quiet, charlie):
    run()
    with as_(charlie) as session:
        session.execute("select auth.close_account()")
    assert one(superuser, "select count(*) from meeting_attendances where user_id = %s", charlie.id) == 0


def test_an_admin_reads_who_answered_and_not_everybody(run, superuser, sign_in, quiet, alice, dora):
    answers(superuser, quiet.id, accepted=[alice])
    run()
    page = sign_in(dora).get(f"/admin/meetings/{quiet.id}").text
    assert "Alice" in page and "Charlie" not in page
