"""Each process has its own login and password, and none gets further than it has to."""

import psycopg
import pytest

from portal.config import LOGINS


def test_the_club_runs_with_four_passwords_and_each_process_with_one(club):
    club.start_worker()
    club.start_pages()
    club.until(lambda: club.status("/status") == 200, "pages and worker are well")


@pytest.mark.parametrize("login", LOGINS.values())
def test_nobody_signs_in_with_the_password_of_another(login, club):
    for other in set(LOGINS.values()) - {login}:
        wrong = club.address(login).replace(
            f"only-for-{login.replace('_', '-')}", f"only-for-{other.replace('_', '-')}"
        )
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_the_wrong_login_is_told_at_start(club):
    club.start_worker(WORKER_DATABASE_URL=club.address("portal_web"))
    assert club.ended("worker") == 1
    assert (
        club.said("worker").splitlines()[-1]
        == "portal: WORKER_DATABASE_URL signs in as portal_web; it must be portal_worker."
    )


@pytest.mark.parametrize("login", ["portal_web", "portal_worker"])
def test_no_large_object_can_be_made(login, club):
    with psycopg.connect(club.address(login)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select lo_from_bytea(0, 'somebody''s')")


def test_a_login_that_changed_its_own_limits_is_noticed(club):
    check = {"WORKER_DATABASE_URL": club.address("portal_worker")}
    assert club.portal("check", "--at-rest", **check).returncode == 0
    with psycopg.connect(club.address("portal_web"), autocommit=True) as web:
        web.execute("alter role current_user set statement_timeout = 0")
    done = club.portal("check", "--at-rest", **check)
    assert done.returncode == 1 and "   2  The logins that answer browsers and do jobs have the settings" in done.stdout
    with club.postgres.superuser() as superuser:
        superuser.execute("alter role portal_web set statement_timeout = '5s'")
    assert club.portal("check", "--at-rest", **check).returncode == 0
