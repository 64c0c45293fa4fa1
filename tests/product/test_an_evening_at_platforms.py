"""Evenings of a real club at Zoom and at Google Meet: rooms made there, joined from two browsers, and settled.

What the club wrote down is held against the stand-ins' own books, counted in another way.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from portal.sandbox.meet import Meet, account
from portal.sandbox.zoom import World
from tests.support.evening import address_of, comes, enter_room, open_meeting, plan_meeting
from tests.support.real_club import ROOM_HOST, RealClub

pytestmark = [pytest.mark.product, pytest.mark.server]

FRIDA_AT_GOOGLE = account("frida@elsewhere.example", "Frida at home")
TOM_AT_ZOOM = "tom.and.kids@elsewhere.example"
SOON = 10_000
"""Milliseconds in which an open page shows what happened: a second or two, and what a busy machine takes."""


class Stay(NamedTuple):
    """Somebody in a room."""

    joined_at: datetime
    left_at: datetime


class Platforms(NamedTuple):
    zoom: World
    google: Meet


@pytest.fixture(scope="module")
def platforms(closed_club: RealClub) -> Platforms:
    """What the club is connected to."""
    return Platforms(closed_club.connect_zoom(), closed_club.connect_google(FRIDA_AT_GOOGLE))


@pytest.fixture(scope="module")
def club(closed_club: RealClub, platforms: Platforms) -> RealClub:
    closed_club.open()
    with closed_club.superuser() as postgres:
        postgres.execute(
            "insert into users (email, first_name, email_verified) values (%s, 'Tom', true)", [address_of("Tom")]
        )
    return closed_club


def minutes(stays: Iterable[Stay]) -> int:
    """How long somebody was inside, whatever number of devices they used: along the clock from one stay to the next."""
    together, until = timedelta(), None
    for joined_at, left_at in sorted(stays):
        since = joined_at if until is None else max(joined_at, until)
        together += max(left_at - since, timedelta())
        until = left_at if until is None else max(left_at, until)
    return int(together / timedelta(minutes=1) + 0.5)


def has_been_running(club: RealClub, *titles: str) -> None:
    """These meetings of three hours began a hundred minutes ago, and the worker has looked after them since."""
    with club.superuser() as postgres:
        postgres.execute(
            "update meetings set starts_at = starts_at - interval '105 minutes', duration = 180 where title = any(%s)",
            [list(titles)],
        )
    club.work("attendance.sweep", "rooms.tend")


def ended_long_ago(club: RealClub, title: str) -> None:
    """The meeting was to take an hour, so that it ended forty minutes ago; the worker asks for the report and settles it."""
    with club.superuser() as postgres:
        postgres.execute("update meetings set duration = 60 where title = %s", [title])
    club.work("attendance.fetch_reports", "attendance.sweep")


def record(club: RealClub, title: str) -> dict[str, tuple[str, int]]:
    """What the club knows of who came to a meeting, and for how many minutes."""
    with club.superuser() as postgres:
        rows = postgres.execute(
            "select u.first_name, a.outcome, a.join_duration from meeting_attendances a join users u on u.id = a.user_id"
            " join meetings m on m.id = a.meeting_id where m.title = %s and m.attendance_record = 'final' and a.outcome is not null",
            [title],
        ).fetchall()
    return {name: (outcome, minutes) for name, outcome, minutes in rows}


def came(**people: list[Stay]) -> dict[str, tuple[str, int]]:
    """The same of people by how long they stayed."""
    return {name.title(): ("attended", minutes(stays)) for name, stays in people.items()}


def say_who(admin: Page, called: str, *, search: str = "", choice: str) -> None:
    """An admin's answer in the queue of those nobody knows."""
    admin.goto("/admin/participants")
    admin.get_by_role("link", name=called).first.click()
    if search:
        admin.get_by_label("Name or e-mail").fill(search)
        admin.get_by_role("button", name="Search").click()
    admin.get_by_role("radio", name=choice).check()
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text(f"{called} was ")).to_be_visible()


def shown(club: RealClub, page: Page, words: str) -> None:
    """Words that are on a page as soon as the worker has done its part."""
    club.until(lambda: bool(page.reload() and page.get_by_text(words).count()), f"“{words}” is on the page")


def at_zoom(world: World, title: str) -> dict:
    """A meeting at Zoom."""
    (found,) = [each for each in world.state["meetings"].values() if each["topic"] == title and not each["_deleted"]]
    return found


def test_an_evening_on_zoom(club: RealClub, platforms: Platforms, ana: Page, frida: Page, gustav: Page) -> None:
    zoom = platforms.zoom
    for title in ("Zoom evening", "Next time on Zoom"):
        plan_meeting(ana, title, address_of("Ana"), platform="zoom")
    comes(frida, "Zoom evening")
    comes(gustav, "Zoom evening")
    club.work("rooms.tend")
    open_meeting(ana, "Zoom evening")
    expect(ana.get_by_text("It was made on Zoom.")).to_be_visible()
    has_been_running(club, "Zoom evening")

    meeting = at_zoom(zoom, "Zoom evening")
    number, start = str(meeting["id"]), datetime.fromisoformat(meeting["start_time"])
    known = {each["first_name"]: each["id"] for each in meeting["_registrants"].values()}

    def sat(since: int, until: int, name: str = "", **who: str) -> None:
        stay = zoom.sit(number, name, at=start + timedelta(minutes=since), **who)
        zoom.leave(stay, start + timedelta(minutes=until))

    sat(0, 20, registrant=known["Frida"])
    sat(5, 33, registrant=known["Gustav"])
    sat(10, 45, "iPad von Tom", account=TOM_AT_ZOOM)
    sat(25, 40, registrant=known["Frida"])
    sat(30, 50, registrant=known["Frida"])  # her telephone

    open_meeting(ana, "Zoom evening")
    ipad = zoom.sit(number, "iPad von Tom", account=TOM_AT_ZOOM)
    shown(club, ana, "iPad von Tom")
    for page in (frida, gustav):
        open_meeting(page, "Zoom evening")
    hers, his = enter_room(frida), enter_room(gustav)
    expect(his.get_by_text("You are in the meeting as Gustav.")).to_be_visible()
    phone = zoom.sit(number, registrant=known["Gustav"])
    hers.get_by_role("button", name="Leave").click()
    hers.get_by_role("link").click()
    expect(hers.get_by_text("You are in the meeting as Frida.")).to_be_visible()
    hers.get_by_role("button", name="Leave").click()
    zoom.leave(phone)
    zoom.leave(ipad)
    his.get_by_role("button", name="Leave").click()
    his.wait_for_url("**/left/*")

    ended_long_ago(club, "Zoom evening")
    stays: dict[str, list[Stay]] = {}
    for stay in (stay for instance in meeting["_instances"] for stay in instance["stays"]):
        joined_at, left_at = (datetime.fromisoformat(stay[name]) for name in ("join_time", "leave_time"))
        stays.setdefault(stay["name"], []).append(Stay(joined_at, left_at))
    assert [len(stays[name]) for name in ("Frida", "Gustav", "iPad von Tom")] == [5, 3, 2]
    assert record(club, "Zoom evening") == came(frida=stays["Frida"], gustav=stays["Gustav"])
    say_who(ana, "iPad von Tom", search="Tom", choice="Tom")
    assert record(club, "Zoom evening")["Tom"] == ("attended", minutes(stays["iPad von Tom"]))
    frida.goto("/meetings/past")
    expect(frida.locator(".lede")).to_have_text(f"You were there for {minutes(stays['Frida'])} minutes.")

    open_meeting(frida, "Next time on Zoom")
    zoom.sit(str(at_zoom(zoom, "Next time on Zoom")["id"]), "iPad von Tom", account=TOM_AT_ZOOM)
    expect(frida.locator("#live-roster").get_by_text("Tom", exact=True)).to_be_visible(timeout=SOON)


def test_an_evening_at_google_meet(club: RealClub, platforms: Platforms, ana: Page, frida: Page, gustav: Page) -> None:
    google = platforms.google
    for title in ("Meet evening", "Next time at Meet"):
        plan_meeting(ana, title, address_of("Ana"), platform="google-meet")
    comes(frida, "Meet evening")
    comes(gustav, "Meet evening")
    club.work("rooms.tend")
    has_been_running(club, "Meet evening")
    code = code_of(google, "Meet evening")
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=100)

    def sat(since: int, until: int, name: str, user: str | None = None) -> None:
        session = google.sit(code, name, user, at=start + timedelta(minutes=since))
        google.leave(session, start + timedelta(minutes=until))

    sat(5, 30, *reversed(FRIDA_AT_GOOGLE))
    sat(20, 35, *reversed(FRIDA_AT_GOOGLE))  # her telephone
    sat(40, 47, *reversed(FRIDA_AT_GOOGLE))
    sat(0, 45, "Somebody’s uncle")
    sat(10, 33, "Gusti")

    open_meeting(frida, "Meet evening")
    open_meeting(gustav, "Meet evening")
    hers, his = enter_room(frida), enter_room(gustav)
    hers.get_by_label("Google account").select_option(label=FRIDA_AT_GOOGLE.name)
    his.get_by_label("Name, for guests").fill("Gusti")
    for room in (hers, his):
        room.get_by_role("button", name="Join now").click()
        expect(room.get_by_text("You are inside as")).to_be_visible()
    open_meeting(ana, "Meet evening")
    club.work("attendance.poll")
    shown(club, ana, "Gusti")
    for room in (hers, his):
        room.get_by_role("button", name="Leave").click()
        expect(room.get_by_text("You left the room")).to_be_visible()

    ended_long_ago(club, "Meet evening")
    say_who(ana, FRIDA_AT_GOOGLE.name, choice="Frida")
    for _ in range(2):  # who has no account is somebody new each time
        say_who(ana, "Gusti", search="Gustav", choice="Gustav")
    say_who(ana, "Somebody’s uncle", choice="Nobody from the club")
    stays: dict[str, list[Stay]] = {}
    with google.books() as books:
        for row in books.rows(SESSIONS, code):
            stay = Stay(datetime.fromisoformat(row["started"]), datetime.fromisoformat(row["ended"]))
            stays.setdefault(row["display"], []).append(stay)
    assert {name: len(sessions) for name, sessions in stays.items()} == {
        FRIDA_AT_GOOGLE.name: 4,
        "Gusti": 2,
        "Somebody’s uncle": 1,
    }
    assert record(club, "Meet evening") == came(frida=stays[FRIDA_AT_GOOGLE.name], gustav=stays["Gusti"])

    open_meeting(gustav, "Next time at Meet")
    google.sit(code_of(google, "Next time at Meet"), FRIDA_AT_GOOGLE.name, FRIDA_AT_GOOGLE.user)
    club.work("attendance.poll")
    expect(gustav.locator("#live-roster").get_by_text("Frida", exact=True)).to_be_visible(timeout=SOON)


SESSIONS = """
select p.display, s.started, s.ended from sessions s join participants p on p.name = s.participant
  join conferences c on c.name = p.conference join spaces sp on sp.name = c.space where sp.code = ?
"""


def code_of(google: Meet, title: str) -> str:
    """The last part of a room's address at Meet."""
    with google.books() as books:
        row = books.row(
            "select code from spaces join events on json_extract(body, '$.extendedProperties.private.space') = name"
            " where json_extract(body, '$.summary') = ?",
            title,
        )
    assert row is not None
    return str(row["code"])


# --- bad days ---------------------------------------------------------------------------------------------------------

TYPED = f"https://{ROOM_HOST}/typed-in-need"
FAILURES = {
    "down": "Zoom cannot be reached just now.",
    "limit": "Zoom's daily limit for this host is reached; it starts anew at 00:00 UTC.",
    "revoked": "Zoom does not accept ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET",
}


def make_it_again(host: Page, title: str) -> None:
    """The host asks for another try, on the page of the room."""
    open_meeting(host, title)
    host.get_by_role("link", name="Where it takes place").click()
    host.get_by_role("button", name="Make it again").click()
    expect(host.get_by_text("The room is being made again.")).to_be_visible()


def test_whatever_zoom_says_the_evening_takes_place(
    club: RealClub, platforms: Platforms, ana: Page, frida: Page
) -> None:
    zoom = platforms.zoom
    zoom.switch(api="down")
    plan_meeting(ana, "Evening in need", address_of("Ana"), platform="zoom")
    club.work("rooms.tend")
    comes(frida, "Evening in need")
    for fault, sentence in FAILURES.items():
        zoom.switch(api=fault)
        make_it_again(ana, "Evening in need")
        shown(club, ana, sentence)
        expect(frida.get_by_text("The room isn’t open yet.")).to_be_visible()
    assert FAILURES["down"] in club.mail(address_of("Ana"), "Evening in need")

    zoom.slow_seconds = 3
    zoom.switch(api="slow")
    make_it_again(ana, "Evening in need")
    shown(club, ana, "Zoom has been asked for it.")
    ana.get_by_label("Link to the room").fill(TYPED)
    ana.get_by_role("button", name="Save the link").click()
    expect(frida.get_by_role("button", name="Join").first).to_be_visible(timeout=SOON)
    assert enter_room(frida).url == TYPED
    club.until(lambda: len(zoom.state["meetings"]) > 2, "Zoom has made the room at last")
    zoom.switch()
    club.work("rooms.tend")
    assert [each["topic"] for each in zoom.state["meetings"].values() if each["_deleted"]] == ["Evening in need"]
    frida.reload()
    assert enter_room(frida).url == TYPED
