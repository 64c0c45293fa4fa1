"""What is drawn once for all who see the same shows each of them just what their own drawing would."""

from collections import namedtuple
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from portal import create_app
from portal.attendance.my_meeting import MyMeeting, meeting_list_item, next_meeting
from portal.meetings.board import Clock
from tests.support.web import settings_for

START = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
MINUTES = some.integers(-3000, 3000).map(lambda n: START + timedelta(minutes=n))
ANSWERS = "invited accepted declined requested rejected waitlisted offered withdrawn"
ROW = {
    "id": some.just(UUID(int=7)),
    "title": some.sampled_from(["Supper", "A & B", "<b>"]),
    "duration": some.just(60),
    "host_name": some.sampled_from([None, "Ana Duarte"]),
    "platform": some.sampled_from(["zoom", "google-meet"]),
    "starts_at": some.just(START),
    "ends_at": some.just(START + timedelta(minutes=60)),
    "status": some.sampled_from(["planned", "cancelled", "completed"]),
    "max_attendees": some.sampled_from([None, 1, 2, 30]),
    "requires_approval": some.booleans(),
    "is_private": some.booleans(),
    "is_host": some.booleans(),
    "provision_state": some.sampled_from(["none", "ready"]),
    "seats_taken": some.integers(0, 2),
    "waiting_count": some.integers(0, 2),
    "attendee_count": some.integers(0, 2),
    "cancellation_reason": some.sampled_from([None, "Ill."]),
    "attendance_record": some.sampled_from([None, "provisional", "not_recorded"]),
    "reason": some.sampled_from([None, "Asked too late."]),
    "answer": some.sampled_from([None, *ANSWERS.split()]),
    "offer_expires_at": MINUTES,
    "responded_at": some.none() | MINUTES,
    "joined_at": some.none() | MINUTES,
    "join_duration": some.sampled_from([None, 12]),
    "outcome": some.sampled_from([None, "attended", "no_show"]),
    "party_id": some.none() | some.just(UUID(int=9)),
    "agreed_to": some.sampled_from([None, START, START - timedelta(hours=3)]),
    "timezone": some.just("Europe/Istanbul"),
    "position": some.sampled_from([None, 1, 23]),
}
Row = namedtuple("Row", ROW)
MANY = settings(
    max_examples=300, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
SEEN = some.builds(
    MyMeeting,
    some.builds(Row, **ROW),
    entitled=some.booleans(),
    clock=some.builds(
        Clock,
        now=MINUTES,
        zone=some.sampled_from(["Europe/Istanbul", "America/New_York", "Asia/Tokyo"]),
        club_zone=some.just("Europe/Istanbul"),
        doors_minutes=some.just(10),
    ),
)


@pytest.fixture(scope="module")
def macro(migrated):
    """`macro(template, name)` of the portal's templates."""
    app = create_app(settings_for(migrated))
    with app.app_context():
        yield lambda place, name: getattr(app.jinja_env.get_template(place).module, name)


@MANY
@given(mine=SEEN)
def test_a_list_draws_for_all_what_it_would_draw_for_one(macro, mine):
    article = macro("attendance/_meeting_list_item.html", "article")
    assert article(meeting_list_item(mine), 3) == article(mine, 3)


@MANY
@given(mine=SEEN)
def test_the_next_meeting_is_drawn_for_all_as_it_would_be_for_one(macro, mine):
    next_meeting_fragment = macro("attendance/_next_meeting.html", "next_meeting")
    assert next_meeting_fragment(next_meeting(mine)) == next_meeting_fragment(mine)
