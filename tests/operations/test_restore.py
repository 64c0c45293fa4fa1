"""A backup comes back: whole, into an empty database only, and without those who have closed their account since."""

import psycopg
import pytest

from portal import mail
from portal.mail import Message
from portal.operations import backup
from portal.operations.restore import restore
from portal.problems import Problem
from tests.support import server
from tests.support.cast import ALICE
from tests.support.web import settings_for


@pytest.fixture
def empty(server_url, settings):
    """The settings of an empty database with the portal's roles in it."""
    with server.empty_database(server_url, "restored") as bare:
        yield settings_for(bare, backups=settings.backups)


def ask(settings, statement):
    with psycopg.connect(settings.backup_url.replace("+psycopg", "")) as connection:
        return connection.execute(statement).fetchall()


def test_everything_is_back_and_belongs_to_whom_it_belonged(file, empty):
    assert restore(empty, file) == f"Restored from {file.name}."
    assert ask(empty, "select first_name from users order by 1") == [
        (n,) for n in ("Alice", "Bob", "Charlie", "Dora", "Eve")
    ]
    owners = "select distinct relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace"
    assert ask(empty, owners) == [("portal_owner",)]
    loose = "select count(*) from pg_proc where prosecdef and proowner::regrole::text not in ('portal_definer', 'portal_monitor')"
    assert ask(empty, loose) == [(0,)]
    assert ask(
        empty,
        "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and not (relrowsecurity and relforcerowsecurity)",
    ) == [(0,)]


def test_rights_and_policies_are_those_of_the_original(file, empty, superuser):
    rights = (
        "select relname, array(select unnest(relacl)::text order by 1) from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'v', 'S') order by 1"
    )
    policies = "select tablename, policyname, roles::text, cmd, qual, with_check from pg_policies order by 1, 2"
    doors = "select proname, array(select unnest(proacl)::text order by 1) from pg_proc where prosecdef order by 1"
    restore(empty, file)
    for statement in (rights, policies, doors):
        assert ask(empty, statement) == superuser.execute(statement).fetchall()


def test_a_database_with_something_in_it_is_left_alone(file, settings, superuser):
    with pytest.raises(Problem, match="is not empty"):
        restore(settings, file)
    assert superuser.execute("select count(*) from users").fetchone() == (5,)


def test_a_file_that_is_not_what_was_written_is_refused(file, empty):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Problem, match="its checksum differs"):
        restore(empty, file)
    with pytest.raises(Problem, match="There is no backup"):
        restore(empty, file.with_name("none.dump"))


def test_a_dump_that_breaks_half_way_leaves_an_empty_database(file, empty):
    file.with_suffix(".sha256").unlink()
    file.write_bytes(file.read_bytes()[:-2000])
    for _ in range(2):  # it can be tried again
        with pytest.raises(Problem, match="pg_restore did not go through"):
            restore(empty, file)
    assert ask(empty, "select count(*) from pg_class where relnamespace = 'public'::regnamespace") == [(0,)]


def test_who_closed_their_account_since_is_closed_again(file, empty, eve, dora):
    """An old backup brings everybody back, with names and addresses; their wish to be forgotten is older than it."""
    closed = file.parent / f"{file.name.rsplit('-', 2)[0]}-closed"
    closed.write_text(f"{eve.id}\n{dora.id}\n")
    said = restore(empty, file)
    assert "1 closed accounts were closed again" in said and str(dora.id) in said, (
        "the last admin stays, and it is said"
    )
    assert ask(empty, f"select email from users where id = '{eve.id}'") == [(f"{eve.id}@closed.invalid",)]


def test_a_mail_that_was_waiting_is_not_sent_any_more(at_work, settings, people, empty):
    """A backup of last night would write of last night; a link that opened something is gone with it."""
    for kind, secret in (("known", False), ("reset", True)):
        mail.write(at_work, kind, ALICE.email, Message("Hello", "Hello", ("Hello.",), "You asked."), secret=secret)
    made = backup.back_up(at_work, settings)
    at_work.commit()
    told = restore(empty, settings.backups / made.file)
    assert told.endswith("Mails that were waiting and are not sent now: 2.")
    rows = ask(empty, "select kind, state, text is null from mails order by kind")
    assert rows == [("known", "dropped", False), ("reset", "dropped", True)]


def test_closed_accounts_are_remembered_beside_the_backups(at_work, settings, made, file, superuser, eve):
    superuser.execute("update users set closed_at = now() where id = %s", [eve.id])
    backup.remember_closed(at_work, backup.closed_beside(file))
    assert backup.closed_beside(file).read_text() == f"{eve.id}\n"
