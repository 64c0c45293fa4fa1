"""A backup leaves the machine, encrypted for a key that is not on it, and comes back with that key alone."""

import dataclasses

import psycopg
import pyrage
import pytest

from portal.operations import backup
from portal.operations.restore import restore
from portal.problems import Problem
from tests.support import server
from tests.support.web import settings_for


@pytest.fixture
def key():
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def far(tmp_path):
    """A folder elsewhere."""
    folder = tmp_path / "far"
    folder.mkdir()
    return folder


@pytest.fixture
def sending(settings, far, key):
    """The settings of a club whose backups leave the machine, encrypted."""
    return dataclasses.replace(settings, backup_copy=("cp", "{file}", str(far)), backup_recipient=str(key.to_public()))


def test_what_leaves_is_read_with_the_private_key_alone(at_work, people, sending, far, key, server_url, tmp_path):
    made = backup.back_up(at_work, sending)
    (sealed,) = far.glob("*.dump.age")
    assert sealed.name == f"{made.file}.age" and b"PGDMP" not in sealed.read_bytes()
    (identity,) = [tmp_path / "key.txt"]
    identity.write_text(f"# created by hand\n{key}\n")
    with server.empty_database(server_url, "restored") as bare:
        empty = settings_for(bare)
        with pytest.raises(Problem, match="--identity names"):
            restore(empty, sealed)
        assert restore(empty, sealed, identity) == f"Restored from {made.file}."
        with psycopg.connect(empty.backup_url.replace("+psycopg", "")) as reader:
            assert reader.execute("select count(*) from users").fetchone() == (5,)


def test_another_key_opens_nothing(at_work, people, sending, far, tmp_path, server_url):
    backup.back_up(at_work, sending)
    (sealed,) = far.glob("*.dump.age")
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with server.empty_database(server_url, "restored") as bare, pytest.raises(Problem, match="cannot be opened"):
        restore(settings_for(bare), sealed, other)


def test_whoever_closed_their_account_is_named_to_the_far_place_too(at_work, people, sending, far):
    backup.back_up(at_work, sending)
    assert [file.name for file in far.iterdir() if file.name.endswith("-closed")]


def test_a_copy_that_fails_is_told_and_the_backup_is_there(at_work, people, settings, superuser):
    failing = dataclasses.replace(settings, backup_copy=("cp", "{file}", "/no/such/place/"))
    with pytest.raises(Problem, match="The backup is made, but BACKUP_COPY did not take it away"):
        backup.back_up(at_work, failing)
    ((file,),) = superuser.execute("select file from backups").fetchall()
    assert (settings.backups / file).exists()
