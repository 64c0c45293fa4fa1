"""A line of two places, empty or full."""

import pytest

from tests.support.waitlist import Waitlist


@pytest.fixture
def line(as_, superuser, supper, now, people):
    """The line for supper, which has two places."""
    return Waitlist(as_, superuser, supper, now)


@pytest.fixture
def full(line, alice, bob):
    """Supper with Alice and Bob at it, and so full."""
    assert line.accepts(alice, bob) == ["accepted", "accepted"]
    return line
