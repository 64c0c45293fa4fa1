"""The cast of the tests is the same however it came into the database."""

import pytest
from psycopg.errors import UniqueViolation

from tests.support import cast
from tests.support.clean import Snapshot

MOMENTS = "{created_at,updated_at,subscription_expiry,access_until,family_joined_at}"
ROWS = f"select to_jsonb(u) - '{MOMENTS}'::text[] from users u order by id"


def test_written_again_it_is_what_it_was_when_assembled(database, superuser, cleaner):
    cast.assemble(superuser)
    assert cleaner.used() == list(cast.TABLES)
    snapshot, before = Snapshot(superuser, cast.TABLES), superuser.execute(ROWS).fetchall()
    cleaner.clean()
    assert cleaner.used() == []
    snapshot.write(cleaner)
    assert cleaner.used() == list(cast.TABLES) and superuser.execute(ROWS).fetchall() == before


def test_what_cannot_be_written_leaves_nothing_behind(database, superuser, cleaner):
    cast.assemble(superuser)
    snapshot = Snapshot(superuser, cast.TABLES)
    with pytest.raises(UniqueViolation):
        snapshot.write(cleaner)
    cleaner.clean()
    snapshot.write(cleaner)
    assert len(superuser.execute(ROWS).fetchall()) == len(cast.EVERYBODY)
