"""An evening of a real club: the portal without its sandbox, behind TLS, as a member and an admin meet it."""

import pytest
from icalendar import Calendar
from playwright.sync_api import Page, expect

from tests.support.evening import address_of, comes, enter_room, plan_meeting
from tests.support.real_club import ROOM_HOST, RealClub

pytestmark = pytest.mark.product

ROOM = f"https://{ROOM_HOST}/an-evening?code=7"


@pytest.fixture(scope="module")
def club(closed_club: RealClub) -> RealClub:
    """Connected to no platform."""
    closed_club.open()
    return closed_club


def test_from_a_typed_link_to_who_came(club: RealClub, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "Typed evening", address_of("Ana"), ROOM)
    comes(frida, "Typed evening")
    assert ROOM_HOST not in frida.content()
    room = enter_room(frida)
    assert room.url == ROOM
    assert room.evaluate("document.referrer") == ""
    expect(frida.get_by_text("Here now")).to_be_visible()

    frida.goto("/next")
    expect(frida.get_by_role("heading", level=1)).to_have_text("Typed evening")
    settled(club, "Typed evening")
    frida.goto("/meetings/past")
    expect(frida.get_by_text("Typed evening")).to_be_visible()
    expect(frida.get_by_text("Came", exact=True)).to_be_visible()


def test_a_yes_comes_to_the_calendar_by_mail(club: RealClub, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "Calendar evening", address_of("Ana"), ROOM)
    comes(frida, "Calendar evening")
    with club.superuser() as postgres:
        postgres.execute("update calendar_changes set due_at = now()")
    club.work("calendar.sync")
    club.mail(address_of("Frida"), "You’re coming: Calendar evening")
    (mail,) = (mail for mail in club.post.to(address_of("Frida")) if "Calendar evening" in mail["Subject"])
    (part,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    calendar = Calendar.from_ical(part.get_content())
    (event,) = calendar.walk("VEVENT")
    assert part["Content-Type"].params["method"] == calendar["method"] == "REQUEST"
    assert event["attendee"] == f"mailto:{address_of('Frida')}" and event["attendee"].params["PARTSTAT"] == "ACCEPTED"
    assert ROOM_HOST not in part.get_content() and event["url"].startswith(club.url)


def settled(club: RealClub, title: str) -> None:
    """Two hours later, as the worker finds it at its next round."""
    with club.superuser() as postgres:
        postgres.execute(
            "update meetings set starts_at = starts_at - interval '2 hours', start_time = start_time - interval '2 hours'"
            " where title = %s",
            [title],
        )
        postgres.execute("update presences set joined_at = joined_at - interval '2 hours'")
        club.work("attendance.sweep")
        state = postgres.execute("select status from meetings where title = %s", [title]).fetchone()
    assert state == ("completed",)


def test_what_was_typed_is_in_no_log(club: RealClub) -> None:
    logs = "".join(log.read_text() for log in club.folder.glob("*.log"))
    assert "GET /meetings" in logs
    assert ROOM_HOST not in logs
    with club.superuser() as postgres:
        assert postgres.execute("select count(*) from system_logs l where l::text ~ 'an-evening'").fetchone() == (0,)
