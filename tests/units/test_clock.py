"""The one clock: set by tests, moved on by the demo, and never both at once."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import clock

HOUR = timedelta(hours=1)
THEN = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture
def followed(tmp_path):
    clock.follow(tmp_path / "clock")
    yield tmp_path / "clock"
    clock.follow(None)


def test_without_a_file_it_is_the_real_time():
    assert abs(clock.now() - datetime.now(UTC)) < HOUR and clock.ahead() == timedelta(0)


def test_every_step_moves_it_further_and_none_moves_it_back(followed):
    for _ in range(2):
        clock.move(HOUR)
    clock.move(-HOUR)
    assert clock.ahead() == 2 * HOUR and clock.now() > datetime.now(UTC) + HOUR


def test_a_moment_that_is_set_is_that_moment_however_far_the_demo_is(followed):
    clock.move(HOUR)
    with clock.at(THEN):
        assert clock.now() == THEN


def test_a_file_that_is_no_number_is_no_time(followed):
    followed.write_text("soon")
    assert clock.ahead() == timedelta(0)
