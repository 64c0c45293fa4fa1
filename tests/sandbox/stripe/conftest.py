"""The account most stories are told of."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.stripe.account import Account, at, check_events


@pytest.fixture
def account() -> Iterator[Account]:
    """A fresh account in memory; unless a story moves it, the clock stands at the beginning."""
    made = Account()
    with at(0):
        yield made
    check_events(made.world)


@pytest.fixture
def file(tmp_path: Any) -> str:
    """Where an account may live on disk."""
    return os.fspath(tmp_path / "stripe.sqlite")
