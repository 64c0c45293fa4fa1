"""What the club mails to calendars, and the minute in which it does."""

from types import SimpleNamespace

import pytest
from icalendar import Calendar

from portal.calendar import jobs
from tests.support.reading import do


@pytest.fixture
def sync(worker_app, superuser, work):
    """`sync()`: everything that follows from what was done is done, and the minute in which calendars are told has come."""

    def minute(moment=None):
        work()
        superuser.execute(
            "update calendar_changes set due_at = public.club_now() where due_at < public.club_now() + interval '1 hour'"
        )
        do(worker_app, jobs.sync, moment)

    return minute


@pytest.fixture
def messages(superuser):
    """`messages(person)`: each mail to somebody, oldest first: kind, subject, method and event (None without a calendar object)."""

    def of(person):
        found = superuser.execute(
            "select kind, subject, method, calendar, text from mails where recipient = %s order by created_at, occasion",
            [person.email],
        ).fetchall()
        return [
            SimpleNamespace(
                kind=kind,
                subject=subject,
                method=method,
                calendar=calendar,
                text=text,
                event=Calendar.from_ical(calendar).walk("VEVENT")[0] if calendar else None,
            )
            for kind, subject, method, calendar, text in found
        ]

    return of
