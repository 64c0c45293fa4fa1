"""A cursor names a row exactly, and a tampered one names none."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import paging

MOMENTS = st.integers(0, 200_000_000_000_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)


@given(MOMENTS, st.uuids())
def test_a_cursor_comes_back_to_the_microsecond(moment, row_id):
    assert paging.read(paging.write(moment, row_id)) == (moment, row_id)


@pytest.mark.parametrize(
    "cursor",
    [
        None,
        "",
        "-",
        "x",
        "5",
        "5-",
        "-5",
        "zz-" + "a" * 32,
        "5-" + "z" * 32,
        "5-" + "a" * 31,
        "f" * 5000 + "-" + "a" * 32,
        "5\x00-" + "a" * 32,
        "5-" + "a" * 32 + "' or 1=1",
        "..",
        "5--" + "a" * 31,
    ],
)
def test_a_tampered_cursor_is_none(cursor):
    assert paging.read(cursor) is None


@given(st.text(max_size=60))
def test_no_text_breaks_it(text):
    if cursor := paging.read(text):
        assert [type(part) for part in cursor] == [datetime, UUID]


def test_the_ends_stand_outside_everything():
    assert datetime.now(UTC) + timedelta(days=365_000) < paging.END and paging.FIRST < uuid4() < paging.LAST
