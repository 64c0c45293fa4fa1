"""Lives of an invitation, as a calendar program goes through them by the rules of RFC 5546."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.calendar import entries, jobs
from portal.database import db
from portal.database.identity import WORKER, act_as
from tests.support.calendar_client import CalendarClient
from tests.support.cast import CHARLIE, ISTANBUL
from tests.support.reading import do, plan

HOUR = timedelta(hours=1)
MOVE = """
update meetings set starts_at = %(to)s, revision = revision + 1,
       (scheduled_date, start_time) = (select w::date, w::time from (select %(to)s at time zone timezone) t (w))
 where id = %(id)s
"""
LOOK_AT_ALL = "update calendar_changes set due_at = public.club_now()"


@dataclass
class Life:
    """One evening and Charlie: what is done to both, what his calendar makes of the mails, and what it should show."""

    superuser: object
    as_: object
    app: object
    client: CalendarClient = field(default_factory=lambda: CalendarClient(CHARLIE.email))
    title: str = "Supper"
    answer: str = ""
    agreed_to: datetime | None = None
    is_cancelled: bool = False
    declined_in_calendar: bool = False

    def __post_init__(self):
        self.superuser.execute("delete from mails")
        self.meeting = plan(self.superuser, self.title, days=9, max_attendees=None)
        self.starts_at, self.uid, self.messages = self.meeting.starts_at, f"{self.meeting.id}@localhost", []

    def says(self, answer):
        with self.as_(CHARLIE) as transaction:
            refusal = transaction.execute("select refusal from rsvp(%s, %s)", [self.meeting.id, answer]).fetchone()[0]
        if refusal is None:
            self.answer, self.declined_in_calendar = answer, self.declined_in_calendar and answer == "declined"
            self.agreed_to = self.starts_at if answer == "accepted" else self.agreed_to
        return refusal is None

    def yes(self):
        self.says("accepted")

    def no(self):
        self.says("declined")

    def replies(self, answer):
        """To what came by mail; an answer to an older version than was mailed is not taken (`replies.py`)."""
        self.comes_by_mail()
        if self.uid in self.client.shows() and self.says(answer):
            self.client.reply(self.uid, answer.upper())
            self.declined_in_calendar = answer == "declined"
            with self.app.app_context():
                act_as(db.session(), WORKER)
                entries.replied(db.session(), self.meeting.id, CHARLIE.id, answer.upper())
                db.session.commit()

    def reply_yes(self):
        self.replies("accepted")

    def reply_no(self):
        self.replies("declined")

    def moves(self, by):
        self.starts_at += by
        self.superuser.execute(MOVE, {"to": self.starts_at, "id": self.meeting.id})

    def moves_a_little(self):
        self.moves(HOUR)

    def moves_back(self):
        self.moves(-HOUR)

    def moves_far(self):
        self.moves(24 * HOUR)

    def is_told_of_the_move(self):
        do(self.app, jobs.tell_moved, meeting_id=str(self.meeting.id))

    def gets_a_title(self):
        self.title += "!"
        self.superuser.execute("update meetings set title = %s where id = %s", [self.title, self.meeting.id])

    def sets(self, cancelled):
        self.is_cancelled = cancelled
        status, reason = ("cancelled", "Ill.") if cancelled else ("scheduled", None)
        self.superuser.execute(
            "update meetings set status = %s, cancellation_reason = %s, revision = revision + 1 where id = %s",
            [status, reason, self.meeting.id],
        )

    def is_cancelled_(self):
        self.sets(cancelled=True)

    def is_reinstated(self):
        self.sets(cancelled=False)

    def a_minute_passes(self):
        self.superuser.execute(LOOK_AT_ALL)
        do(self.app, jobs.sync)
        self.comes_by_mail()

    def comes_by_mail(self):
        """New mails are taken, and each a second time, as mail may come twice."""
        found = self.superuser.execute(
            "select calendar from mails where calendar is not null order by created_at"
        ).fetchall()
        new = [text for (text,) in found[len(self.messages) :]]
        for text in new + new:
            self.client.receive(text)
        self.messages += new

    def should_show(self):
        """By the rules of the club, without a look at what was mailed."""
        if self.declined_in_calendar:
            return "DECLINED"
        if self.answer != "accepted" or self.is_cancelled:
            return None
        day, agreed_day = (moment.astimezone(ISTANBUL).date() for moment in (self.starts_at, self.agreed_to))
        asked = abs(self.starts_at - self.agreed_to) > 2 * HOUR or day != agreed_day
        return self.title, self.starts_at, "NEEDS-ACTION" if asked else "ACCEPTED"

    def shows(self):
        """What the calendar shows; of what was declined in it only that."""
        kept = self.client.shows().get(self.uid)
        return "DECLINED" if kept and kept[2] == "DECLINED" else kept


@pytest.fixture
def life(superuser, as_, worker_app, charlie):
    """`life()`: a new evening, and a new calendar."""
    return lambda: Life(superuser, as_, worker_app)


def test_invited_moved_declined_held_again_and_cancelled_ends_without_an_entry(life):
    one = life()
    for step in (
        *(one.yes, one.a_minute_passes, one.moves_a_little, one.a_minute_passes, one.moves_far, one.a_minute_passes),
        *(
            one.reply_no,
            one.a_minute_passes,
            one.is_cancelled_,
            one.a_minute_passes,
            one.is_reinstated,
            one.a_minute_passes,
        ),
    ):
        step()
    assert len(one.messages) == 3 and one.shows() == "DECLINED"
    one.yes()
    one.a_minute_passes()
    assert one.shows() == (one.title, one.starts_at, "ACCEPTED")
    one.is_cancelled_()
    one.a_minute_passes()
    assert one.shows() is None and len(one.messages) == 5


STEPS = (
    *("yes", "no", "reply_yes", "reply_no", "moves_a_little", "moves_back", "moves_far", "is_told_of_the_move"),
    *("gets_a_title", "is_cancelled_", "is_reinstated", "a_minute_passes", "comes_by_mail"),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=14))
@example(steps=["yes", "yes", "a_minute_passes", "moves_back", "is_told_of_the_move", "reply_no"])
def test_whatever_happens_the_calendar_shows_what_is_true(life, steps):
    one = life()
    for step in steps:
        getattr(one, step)()
    one.a_minute_passes()
    assert one.shows() == one.should_show()
    for text in one.messages:  # all that ever came, once more
        one.client.receive(text)
    assert one.shows() == one.should_show()
    count = len(one.messages)
    one.a_minute_passes()
    assert len(one.messages) == count
