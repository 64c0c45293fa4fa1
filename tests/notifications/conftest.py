"""Charlie hosts an evening; Alice said yes, Bob waits, and the worker can be told that a minute has passed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from portal import clock
from portal.notifications import jobs
from tests.accounts.conftest import cheap_hashes, outbox, with_password  # noqa: F401 - fixtures
from tests.support.cast import Meeting
from tests.support.reading import answers, do, one, plan

MINUTE = timedelta(minutes=1)
TEXT = "Please bring a spoon.\n\nThere will be soup."


@pytest.fixture
def evening(superuser, charlie, alice, bob) -> Meeting:
    """Tomorrow at nine, Charlie's."""
    meeting = plan(superuser, "Supper", host_id=charlie.id)
    answers(superuser, meeting.id, accepted=[alice], waitlisted=[bob])
    return meeting


@pytest.fixture
def write(sign_in) -> Callable:
    """`write(person, meeting)`: press Send on the preview; the answer."""

    def press(person, meeting, **typed):
        form = {"audience": "coming", "body": TEXT, "step": "send"} | typed
        return sign_in(person).submit(f"/meetings/{meeting.id}/messages", **form)

    return press


@pytest.fixture
def later(worker_app, superuser) -> Callable:
    """`later()`: a minute passes, and the worker writes the message that was written last."""

    def pass_by():
        announcement = one(superuser, "select id from announcements order by written_at desc limit 1")
        do(worker_app, jobs.send_announcement, clock.now() + MINUTE, announcement_id=str(announcement))
        return announcement

    return pass_by


@pytest.fixture
def written(superuser) -> Callable[[], list[str]]:
    """`written()`: whom mails of a message were written to, by address."""
    return lambda: [
        row[0]
        for row in superuser.execute("select recipient from mails where kind = 'announcement' order by 1").fetchall()
    ]
