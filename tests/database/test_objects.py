"""Functions, triggers, views and policies: one file each, and the database has those and no others."""

import re

import pytest
from sqlalchemy import NullPool, create_engine

from portal.database import objects
from portal.database.objects import ObjectFile
from portal.operations.migrate import migrate
from portal.problems import Problem
from tests.support import server
from tests.support.web import settings_for

FILES = objects.files()

OURS = """
    select proname::text from pg_proc where pronamespace in ('public'::regnamespace, 'auth'::regnamespace)
       and proname !~ '^procrastinate'
       and proname not in ('new_id', 'folded_words', 'search_words')  -- a table's own definition needs them
    union all select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace
    union all select distinct tablename || '_policies' from pg_policies
     where tablename not in ('alembic_version', 'database_objects', 'club_clock')
"""


@pytest.fixture
def owned(server_url):
    """A migrated database of its own, and the superuser's connection to it."""
    with server.empty_database(server_url, "objects") as database:
        migrate(settings_for(database), "head")
        with database.connect(autocommit=True) as postgres:
            yield settings_for(database), postgres


def names(postgres, statement):
    return {name for (name,) in postgres.execute(statement)}


def test_everything_in_the_database_has_a_file(backstage):
    there = names(backstage, OURS)
    named = {file.path.rpartition("/")[2].removesuffix(".sql") for file in FILES}
    assert there <= named
    assert {name for name in named - there if not name.endswith("_policies")} == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_file_says_what_it_is_for_and_makes_what_it_is_named_after(file):
    name = file.path.rpartition("/")[2].removesuffix(".sql")
    made = re.findall(r"^create (?:function|view) (?:auth\.)?(\w+)", file.text, re.M)
    assert file.text.startswith("-- ")
    assert made == ([] if file.kind == "policy" else [name])


def test_what_has_not_changed_is_left_alone(owned):
    settings, postgres = owned
    before = postgres.execute("select 'decide_rsvp'::regproc::oid").fetchone()
    migrate(settings, "head")
    assert postgres.execute("select 'decide_rsvp'::regproc::oid").fetchone() == before


def test_an_edited_file_takes_the_place_of_what_it_made(owned, monkeypatch):
    settings, postgres = owned
    files = [
        ObjectFile(file.path, file.text.replace("now() + ahead", "now() + ahead - interval '1 year'"))
        if file.path.endswith("club_now.sql")
        else file
        for file in FILES
    ]
    monkeypatch.setattr(objects, "files", lambda: files)
    migrate(settings, "head")
    assert postgres.execute("select club_now() < now() - interval '300 days'").fetchone() == (True,)


def test_what_has_no_file_any_more_goes_and_nothing_else(owned, monkeypatch):
    settings, postgres = owned
    postgres.execute("create function somebody_elses() returns int language sql as 'select 1'")
    gone = ("income.sql", "club_clock_policies.sql", "drifts_policies.sql")
    monkeypatch.setattr(objects, "files", lambda: [file for file in FILES if not file.path.endswith(gone)])
    before = names(postgres, OURS)
    migrate(settings, "head")
    assert before - names(postgres, OURS) == {"income", "drifts_policies"}
    assert postgres.execute("select has_table_privilege('portal_worker', 'drifts', 'select')").fetchone() == (False,)


def test_a_file_that_cannot_be_made_leaves_everything_as_it_was(owned, monkeypatch):
    settings, postgres = owned
    monkeypatch.setattr(objects, "files", lambda: [*FILES, ObjectFile("x/sql/wrong.sql", "create function wrong(;")])
    with pytest.raises(Problem, match="did not go through"):
        migrate(settings, "head")
    assert postgres.execute("select club_now() is not null").fetchone() == (True,)


def test_the_database_knows_which_files_it_was_made_from(owned):
    engine = create_engine(owned[0].owner_url, poolclass=NullPool)
    with engine.connect() as owner:
        assert not objects.changed(owner)
    owned[1].execute("update database_objects set digest = 'other' where path like '%decide_rsvp.sql'")
    with engine.connect() as owner:
        assert objects.changed(owner)


def test_a_database_of_an_unknown_revision_is_told_so(owned):
    settings, postgres = owned
    postgres.execute("update alembic_version set version_num = 'v1.9_elsewhere'")
    with pytest.raises(Problem, match=r"at revision v1\.9_elsewhere, which this version does not know"):
        migrate(settings, "head")
