"""A club exported and brought into an empty one is the same club, but for credentials and the ways into rooms."""

import json
from zipfile import ZipFile

import pytest

from portal import create_app
from portal.database import db
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.moving.archive import bring
from portal.moving.export import export, exported
from portal.operations.check import findings
from portal.problems import Problem
from tests.conftest import TEST_DATA
from tests.support import server, world
from tests.support.web import settings_for

MADE_OTHERWISE = {"users", "family_plans", "meetings", "meeting_attendances", "club_clock"}
"""Tables that have rows by the cast, the meeting or the migration."""


@pytest.fixture
def club(database, people, supper, superuser):
    """The cast with their family, money and a meeting, and more rows of their own; one invitation is open."""
    for table in [table.name for table in exported() if table.name not in MADE_OTHERWISE]:
        row = world.rows(0)[table]
        world.insert(superuser, table, {**row, "meeting_id": supper.id} if "meeting_id" in row else row)
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, answer) select %s, id, 'accepted' from users"
        " where first_name in ('Alice', 'Bob')",
        [supper.id],
    )
    superuser.execute(
        "insert into family_memberships (plan_id, state, email, token_hash, expires_at)"
        " select id, 'invited', 'guest@club.example', 'hash', now() + interval '7 days' from family_plans where is_active"
    )
    superuser.execute(
        "insert into credentials (user_id, password_hash, changed_at) select id, '$argon2id$x', now() from users"
    )
    return database


@pytest.fixture
def empty(server_url):
    with server.new_database(server_url, TEST_DATA, "moved") as fresh:
        yield fresh


def rows(file):
    """Every table of an archive, in both its forms."""
    with ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}


def promises_broken(database):
    """What `portal check` would tell of it."""
    settings = settings_for(database)
    app = create_app(settings, database_url=settings.worker_url)
    with transaction(app, WORKER) as session:
        broken = {finding.promise: finding.broken for finding in findings(session, at_rest=True) if finding.broken}
    with app.app_context():
        db.engine.dispose()
    return broken


def test_a_club_brought_into_an_empty_one_is_the_same_club(club, empty, tmp_path):
    counted = export(club.url("portal_worker"), tmp_path / "club.zip", lambda _: None)
    assert {table for table, rows in counted.items() if not rows} == set()
    bring(settings_for(empty), tmp_path / "club.zip", lambda _: None)
    export(empty.url("portal_worker"), tmp_path / "again.zip", lambda _: None)
    assert rows(tmp_path / "again.zip") == rows(tmp_path / "club.zip")
    assert promises_broken(empty) == promises_broken(club)
    with empty.connect() as there:
        assert there.execute("select count(*) from credentials").fetchone() == (0,)
        assert there.execute("select count(*) from pg_trigger where tgenabled = 'D'").fetchone() == (0,)
        assert there.execute(
            "select count(*) from pg_class where relrowsecurity and not relforcerowsecurity"
        ).fetchone() == (0,)


def test_the_manifest_counts_what_is_there(club, tmp_path):
    counted = export(club.url("portal_worker"), tmp_path / "club.zip", lambda _: None)
    with ZipFile(tmp_path / "club.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        people = [json.loads(line) for line in archive.read("json/users.jsonl").splitlines()]
    assert manifest["rows"] == counted and counted["users"] == len(people) == 5


def test_no_hash_of_anything_is_in_it(club, tmp_path):
    export(club.url("portal_worker"), tmp_path / "club.zip", lambda _: None)
    assert not [
        name
        for name, content in rows(tmp_path / "club.zip").items()
        if b"argon2" in content or b"\\x68617368" in content
    ]


def test_it_is_brought_into_an_empty_club_only(club, tmp_path):
    export(club.url("portal_worker"), tmp_path / "club.zip", lambda _: None)
    with pytest.raises(Problem, match="Somebody lives"):
        bring(settings_for(club), tmp_path / "club.zip", lambda _: None)


def test_what_is_no_archive_changes_nothing(empty, tmp_path):
    (tmp_path / "notes.zip").write_text("not a zip")
    with pytest.raises(Problem, match="no archive"):
        bring(settings_for(empty), tmp_path / "notes.zip", lambda _: None)
