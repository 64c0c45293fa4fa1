"""Dora's desk."""

from datetime import datetime, timedelta

import pytest

from tests.support.cast import ISTANBUL
from tests.support.web import Browser


@pytest.fixture
def desk(sign_in, dora) -> Browser:
    """The admin's browser."""
    return sign_in(dora)


@pytest.fixture
def given() -> dict[str, str]:
    """A planning form as an admin would fill it in."""
    day = datetime.now(ISTANBUL).date() + timedelta(days=5)
    return {
        "title": "Mending hour", "host_email": "", "scheduled_date": day.isoformat(), "start_time": "21:00",
        "timezone": "Europe/Istanbul", "duration": "60", "platform": "google-meet", "max_attendees": "12",
        "description": "Bring something *broken*.",
    }  # fmt: skip
