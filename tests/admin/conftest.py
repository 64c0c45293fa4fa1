"""Dora's desk."""

import re
from datetime import datetime, timedelta

import pytest

from tests.support.cast import ISTANBUL
from tests.support.web import Browser


@pytest.fixture
def desk(sign_in, dora, superuser) -> Browser:
    """The admin's browser. Her code stays fresh however far a test moves the clock."""
    browser = sign_in(dora)
    superuser.execute("update sign_ins set proved_at = proved_at + interval '1 year'")
    return browser


@pytest.fixture
def given() -> dict[str, str]:
    """A planning form as an admin would fill it in."""
    day = datetime.now(ISTANBUL).date() + timedelta(days=5)
    return {
        "title": "Mending hour",
        "host_email": "",
        "scheduled_date": day.isoformat(),
        "start_time": "21:00",
        "timezone": "Europe/Istanbul",
        "duration": "60",
        "platform": "google-meet",
        "max_attendees": "12",
        "description": "Bring something *broken*.",
    }


@pytest.fixture
def mending(desk, superuser, given):
    """The meeting of the form, planned."""
    desk.submit("/admin/meetings/new", **given)
    superuser.execute("delete from system_logs")
    return superuser.execute("select id, starts_at, revision from meetings").fetchone()


@pytest.fixture
def mending_id(mending):
    return mending[0]


@pytest.fixture
def save(desk, mending_id, given):
    """`save(start_time="20:00")`: the form as its page shows it, with something changed."""

    def press(**changes):
        path = f"/admin/meetings/{mending_id}/edit"
        shown = re.search(r'name="revision"[^>]*value="(\d+)"', desk.get(path).text)
        return desk.submit(path, **{**given, "revision": shown[1], **changes})

    return press
