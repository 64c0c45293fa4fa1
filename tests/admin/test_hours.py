"""Which hours suit: what people prefer on their own clocks, and how many came."""

from datetime import datetime, time, timedelta

from tests.support.cast import ISTANBUL
from tests.support.reading import lives_in, plan, rows, words


def test_preferences_are_told_on_the_clubs_clock_and_those_who_came_by_weekday(desk, superuser, people, bob):
    superuser.execute("update users set preferred_meeting_time = '20:00', timezone = 'Europe/Istanbul'")
    lives_in(superuser, bob, "Asia/Tokyo")  # six hours ahead
    last = datetime.now(ISTANBUL).date() - timedelta(days=7)
    for day, came in ((last, 4), (last - timedelta(days=7), 7)):
        plan(superuser, "Held", scheduled_date=day, start_time=time(20), attendee_count=came, attendance_record="final")
    page = desk.get("/admin/meetings/hours")
    found = {row.split()[0]: row.split()[1:] for row in rows(page, "tr")}
    assert found["14:00"][0] == "1" and found["20:00"][1 + last.weekday()] == "6"
    assert "20:00 is preferred most often." in words(page)
