"""What a member of a real club hears by mail: an evening in the calendar, what is on, and how to hear no more of that."""

import re
import ssl
from datetime import datetime
from email.message import EmailMessage
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event
from playwright.sync_api import Page, expect

from tests.support.evening import address_of, comes, plan_meeting
from tests.support.real_club import HOST, ROOM_HOST, RealClub

pytestmark = [pytest.mark.product, pytest.mark.server]

FRIDA = address_of("Frida")


@pytest.fixture(scope="module")
def club(closed_club: RealClub) -> RealClub:
    closed_club.open()
    return closed_club


def mail_to_frida(club: RealClub, subject: str) -> EmailMessage:
    """The newest with this subject."""
    club.mail(FRIDA, subject)
    return next(mail for mail in reversed(club.post.to(FRIDA)) if subject in mail["Subject"])


def tell_calendars(club: RealClub) -> None:
    """Nobody takes an answer back within moments here."""
    with club.superuser() as postgres:
        postgres.execute("update calendar_changes set due_at = now()")
    club.work("calendar.sync")


def event(mail: EmailMessage, method: str) -> Event:
    """What it tells a calendar."""
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert part.get_param("method") == method
    (found,) = Calendar.from_ical(part.get_content()).walk("VEVENT")
    assert found["attendee"] == f"mailto:{FRIDA}"
    return found


def test_a_yes_is_in_the_calendar_and_a_cancelled_evening_is_not(club: RealClub, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "By mail", address_of("Ana"), f"https://{ROOM_HOST}/room")
    comes(frida, "By mail")
    tell_calendars(club)
    request = event(mail_to_frida(club, "You’re coming: By mail"), "REQUEST")
    assert request["attendee"].params["partstat"] == "ACCEPTED"
    ana.goto("/admin/meetings")
    ana.get_by_role("link", name="Cancel By mail").click()
    ana.get_by_label("Reason").fill("The host is ill.")
    ana.get_by_role("button", name="Cancel the meeting").click()
    cancel = event(mail_to_frida(club, "Cancelled: By mail"), "CANCEL")
    assert cancel["uid"] == request["uid"] and cancel["sequence"] > request["sequence"]


def test_what_is_on_comes_at_her_hour_until_she_wants_no_more(club: RealClub, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "On tonight", address_of("Ana"), f"https://{ROOM_HOST}/room")
    with club.superuser() as postgres:
        (zone,) = postgres.execute("select timezone from users where email = %s", [FRIDA]).fetchone()
        now = datetime.now(ZoneInfo(zone)).strftime("%H:%M")
        postgres.execute("update users set preferred_meeting_time = %s where email = %s", [now, FRIDA])
        postgres.execute("delete from runs where name = 'digest'")
    club.work("notifications.digest")
    digest = mail_to_frida(club, "On tonight at")
    (address,) = re.findall(r"<(https://[^>]+)>", digest["List-Unsubscribe"])
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    press = Request(address.replace(HOST, "127.0.0.1"), b"List-Unsubscribe=One-Click", {"Host": address.split("/")[2]})
    assert urlopen(press, context=ssl._create_unverified_context()).status == 200
    frida.goto("/account/mails")
    expect(frida.get_by_label("What is on")).to_have_value("never")
