"""The newest backup is restored, counted, checked and signed in to; whatever does not come back is told and noted."""

from dataclasses import replace

import pytest

from portal.accounts import passwords
from portal.operations import proof
from portal.operations.proof import prove
from portal.problems import Problem
from tests.accounts.conftest import cheap_hashes  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cheap_hashes")


@pytest.fixture
def noted(superuser):
    """`noted()`: how the one backup stands."""
    return lambda: superuser.execute("select proved, proof from backups").fetchone()


@pytest.fixture
def password(people, bob, superuser):
    """Bob has one, so that somebody can sign in."""
    superuser.execute("insert into credentials values (%s, %s, now())", [bob.id, passwords.hashed("nine each evening")])


@pytest.fixture
def scratches(superuser, database):
    """`scratches()`: the trial databases of this club that are there; other clubs beside it have their own."""
    return lambda: superuser.execute(
        "select datname from pg_database where datname = %s", [f"{database.name}_proof"]
    ).fetchall()


def test_a_good_backup_comes_back_and_somebody_signs_in_to_it(
    password, made, at_work, settings, noted, superuser, scratches
):
    said = prove(at_work, settings)
    at_work.commit()
    assert "rows in" in said and "every promise is kept, and somebody could sign in" in said
    assert noted() == (True, said) and scratches() == []
    assert superuser.execute("select count(*) from sign_ins").fetchone() == (0,), "the club itself noticed nothing"


def test_in_a_club_of_nobody_there_is_nobody_to_sign_in_as(made, at_work, settings):
    assert "there was nobody to sign in as" in prove(at_work, settings)


def test_a_file_that_changed_on_the_disk_is_told(made, file, at_work, settings, noted):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Problem, match="its checksum differs"):
        prove(at_work, settings)
    assert noted()[0] is False and "its checksum differs" in noted()[1]


def test_another_file_in_its_place_is_told_though_its_checksum_fits(made, file, at_work, settings, noted):
    file.write_bytes(b"another")
    file.with_suffix(".sha256").unlink()
    with pytest.raises(Problem, match="is not the file that was made"):
        prove(at_work, settings)


def test_a_row_that_did_not_come_back_is_told(made, at_work, settings, superuser, noted, scratches):
    superuser.execute("update backups set row_counts = row_counts || '{\"users\": 6}'")
    with pytest.raises(Problem, match="users had 6 rows and has 5"):
        prove(at_work, settings)
    assert noted()[0] is False and scratches() == []


def test_a_copy_in_which_a_promise_is_broken_is_told(at_work, settings, people, supper, superuser, noted):
    superuser.execute(
        "set session_replication_role = replica; update meetings set seats_taken = 1; set session_replication_role = origin"
    )
    proof.backup.back_up(at_work, settings)
    at_work.commit()
    with pytest.raises(Problem, match="breaks promises: A meeting's seats taken"):
        prove(at_work, settings)
    assert noted()[0] is False


def test_a_copy_nobody_can_sign_in_to_is_told(password, made, at_work, settings, monkeypatch, noted):
    monkeypatch.setattr(passwords, "fitting_form", lambda *_: None)
    with pytest.raises(Problem, match="Nobody could sign in to what came back: the answer was 422"):
        prove(at_work, settings)
    assert noted()[0] is False


def test_what_was_due_when_it_was_made_is_not_late_when_it_is_proved(at_work, settings, people, supper, superuser):
    """A mail and a job of that minute wait in the copy for ever; by now they would look overdue by days."""
    superuser.execute(
        "insert into mails (kind, recipient, subject, created_at)"
        " values ('x', 'a@b.example', 'x', now() - interval '3 days')"
    )
    superuser.execute("insert into procrastinate_jobs (task_name, queue_name) values ('mail.deliver', 'default')")
    superuser.execute("update procrastinate_events set at = at - interval '3 days'")
    superuser.execute("update access_grants set starts_at = starts_at - interval '9 days'")
    proof.backup.back_up(at_work, settings)
    at_work.commit()
    superuser.execute("update backups set made_at = made_at - interval '3 days', club_at = club_at - interval '3 days'")
    assert prove(at_work, settings)


def test_a_trial_that_was_killed_is_cleared_away_by_the_next(made, at_work, settings, superuser, database, scratches):
    superuser.execute(f"create database {database.name}_proof owner portal_owner".encode())
    assert prove(at_work, settings) and scratches() == []


def test_an_owner_who_may_make_no_databases_is_told_what_to_do(made, at_work, settings):
    """The web's login stands for such an owner: the real one's rights are those of every club on this server."""
    with pytest.raises(Problem, match="run what `portal roles` prints"):
        prove(at_work, replace(settings, owner_url=settings.database_url))
