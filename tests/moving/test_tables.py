"""No table of the club is forgotten when it moves out: each is in the archive, or named with the reason why not."""

from portal.models import Base
from portal.moving.export import LEFT_OUT, WITHOUT, columns, exported
from tests.database.test_row_security import HIDDEN


def test_every_table_is_exported_or_left_out_for_a_reason():
    exported_tables = {table.name for table in exported()}
    assert exported_tables | set(LEFT_OUT) == set(Base.metadata.tables)
    assert not exported_tables & set(LEFT_OUT)
    assert all(reason for reason in LEFT_OUT.values())


def test_every_column_left_out_is_one_of_an_exported_table():
    for name, without in WITHOUT.items():
        assert set(without) <= set(Base.metadata.tables[name].columns.keys()), name
        assert name not in LEFT_OUT


def test_what_even_the_worker_may_not_read_is_in_no_archive():
    hidden = {(name, column) for (name, who), some in HIDDEN.items() if who == "worker" for column in some.split()}
    assert not {(table.name, column) for table in exported() for column in columns(table)} & hidden


def test_no_exported_column_is_called_like_a_secret():
    secrets = ("token", "secret", "password", "hash", "address", "code", "sealed", "_link")
    named = {f"{t.name}.{c}" for t in exported() for c in columns(t) if any(word in c for word in secrets)}
    assert named == {"system_logs.ip_address", "club.club_address"}
