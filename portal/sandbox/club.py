"""Plants the demo club: about sixty people, their families, orders and meetings, each by the action a person would use.

Series hold the programme. Three weeks of it are laid with the clock set back, then what is ahead: one running now, one
full with a line, one with requests, one cancelled.
"""

import contextlib
import random
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pyotp
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import audit, clock, create_app
from portal.accounts import actions as accounts
from portal.accounts import passwords, second_factor
from portal.accounts.models import User
from portal.attendance import guests, invitations, presence, rsvp, sightings
from portal.attendance import jobs as attendance_jobs
from portal.audit.models import SystemLog
from portal.club import actions as own_words
from portal.club import first_start
from portal.database import db
from portal.database.identity import ANONYMOUS, WORKER, Role
from portal.database.rows import typed
from portal.database.transactions import transaction
from portal.families import actions as families
from portal.families import joining, leaving
from portal.families import queries as family_queries
from portal.mail import choices
from portal.mail.models import Mail
from portal.meetings import actions as meetings
from portal.meetings import series
from portal.meetings.models import Meeting
from portal.notifications import digest, reminders
from portal.operations.demo import mark_demo, refuse_real_people
from portal.operations.start import reach
from portal.problems import Problem, Refused
from portal.rooms import actions as rooms
from portal.rooms.models import KnownAccount
from portal.rooms.platform import Participant, Sighting
from portal.rooms.platforms import makes_rooms
from portal.sandbox import hours, money
from portal.sandbox.meet import account
from portal.sandbox.people import (
    ANA,
    BILAL,
    CHEN,
    CIRCLE,
    EEVA,
    FAMILIES,
    INGRID,
    INVITED,
    LEFT_AGAIN,
    MARTA,
    OPEN,
    PEOPLE,
    SAID_NO,
    SELIN,
    SERIES,
)
from portal.setting_values import plain_url

PASSWORD = "nine each evening"  # noqa: S105 - the demo's, printed at every start
SECRET = "GOALETE7DEMO7CLUB7SELIN7AYDIN777"  # noqa: S105 - what the demo admin's app would hold; /sandbox/codes shows its codes
SIGN_INS = [
    ("a member", BILAL, "an individual plan, answers and orders"),
    ("a family primary", ANA, "pays for four people"),
    ("an admin", SELIN, "hosts, plans and looks after the club"),
]

HISTORY_DAYS = 21
ROOM = "/sandbox/room"
"""Where a typed link of the demo leads: no form takes an address like this."""
BETWEEN = "Open hour"
"""What is on when nothing is: so that there is always a room to look into."""


class Club:
    """The hands that plant: one app as the web login, one as the worker's."""

    def __init__(self, web: Flask, worker: Flask) -> None:
        self.web, self.worker = web, worker
        self.zone: str = web.config["SETTINGS"].club_timezone
        self.hour: time = web.config["SETTINGS"].default_meeting_time
        self.dice = random.Random(21)  # noqa: S311 - the same club every time
        self.ids: dict[str, UUID] = {}
        self.series: dict[UUID, str] = {}

    def makes_rooms(self, platform: str) -> bool:
        """Whether the worker makes rooms at this platform; else a link is typed."""
        return makes_rooms(self.web.config["SETTINGS"], platform)

    @contextlib.contextmanager
    def as_(self, actor: Role, at: datetime | None = None) -> Iterator[Session]:
        """A transaction in somebody's name, at a moment; committed at the end."""
        app = self.worker if actor is WORKER else self.web
        with clock.at(at or clock.now()), transaction(app, actor) as session:
            yield session

    def member(self, email: str) -> Role:
        """A person of the club, as the database knows members."""
        return Role("portal_member", self.ids[email])

    def admin(self) -> Role:
        """The one who plans."""
        return Role("portal_admin", self.ids[SELIN])

    def today(self) -> date:
        """The club's own date."""
        return clock.now().astimezone(ZoneInfo(self.zone)).date()


def plant(web: Flask) -> None:
    """Plant the club unless it stands already. Raises `Problem` when an earlier planting was cut short, or anybody real is there.

    Either way the database's clock goes as far ahead as the demo's from then on.
    """
    with reach(plain_url(web.config["SETTINGS"].owner_url)) as owner:
        refuse_real_people(owner, "the demo club wants one of its own")
    with hours.set_by(web.config["SETTINGS"]):
        _plant(web)


def _plant(web: Flask) -> None:
    if planted := _planted(web):
        if planted == "half":
            raise Problem("The demo club was planted only in part; `make clean` and start again.")
        return
    print("Planting the demo club, about half a minute …", flush=True)
    mark_demo(web.config["SETTINGS"])
    worker = create_app(web.config["SETTINGS"], database_url=web.config["SETTINGS"].worker_url)
    club = Club(web, worker)
    sign_everybody_up(club)
    write_front_page(club)
    with club.as_(WORKER) as session:
        attendance_jobs.know_domains.function(session)
    money.pay(club)
    seat_families(club)
    start_series(club)
    replay_past_meetings(club)
    plan_ahead(club)
    know_accounts(club)
    write_to_members(club)
    with club.as_(WORKER) as session:
        attendance_jobs.begin(session)
        audit.record(session, PLANTED, "The demo club stands", category="cron")
    for app in (web, worker):
        with app.app_context():
            db.engine.dispose()


PLANTED = "sandbox.planted"


def _planted(web: Flask) -> str:
    with transaction(web, Role("portal_admin")) as session:
        planted = session.scalar(select(SystemLog.id).where(SystemLog.operation == PLANTED).limit(1))
        anybody = session.scalar(select(User.id).limit(1))
    return "whole" if planted else "half" if anybody else ""


def sign_everybody_up(club: Club) -> None:
    """Each by the form's own action, confirmed by the link of the mail."""
    password_hash = passwords.hashed(PASSWORD)
    now = clock.now()
    for n, (first, last, email, zone, _plan) in enumerate(PEOPLE):
        days = 5 if _plan == "-" else 400 - 5 * n
        at = now - timedelta(days=days, hours=n % 9)
        newcomer = accounts.Newcomer(email, first, last, zone)
        with club.as_(ANONYMOUS, at) as session:
            accounts.sign_up(session, newcomer)
        with club.as_(WORKER) as session:
            body = session.scalar(select(Mail.text).where(Mail.recipient == email, Mail.kind == "verify")) or ""
        token = re.search(r"/verify/(\S+)", body)
        with club.as_(ANONYMOUS, at + timedelta(minutes=7)) as session:
            user_id = accounts.confirm(session, token.group(1) if token else "", password_hash)
            assert user_id is not None, email  # noqa: S101
            club.ids[email] = user_id
    with club.as_(WORKER) as session:
        session.execute(text("select auth.set_account_status(:p, true, true)"), {"p": club.ids[SELIN]})
    with club.as_(club.admin(), now - timedelta(minutes=10)) as session:
        second_factor.begin(session, SECRET)
        second_factor.keep(session, club.ids[SELIN], SELIN, current_code(), this_sign_in=None)


FRONT_PAGE = {
    "front_title": "One hour, every evening, kept together.",
    "front_text": (
        "Goalete is a club that meets online every evening to plan, work and report back. You bring one thing you said you"
        " would do. The club brings the hour.\n\n"
        "- A host opens, and everyone says one sentence.\n"
        "- Forty minutes of quiet work.\n"
        "- Everyone says what got done. The host closes on time; the hour never runs over.\n"
    ),
}


def write_front_page(club: Club) -> None:
    """What the demo's club says of itself, where a new club has the portal's own words."""
    settings = club.web.config["SETTINGS"]
    with reach(plain_url(settings.database_url)) as connection:
        first_start(connection, settings)
    with club.as_(club.admin()) as session:
        row = own_words.stands(session)
        assert row is not None  # noqa: S101 - the first start made it
        own_words.save(session, {**row._asdict(), **FRONT_PAGE}, seen=row.changed_at)


def current_code() -> str:
    """What the demo admin's app shows just now."""
    return pyotp.TOTP(SECRET).at(clock.now())


def seat_families(club: Club) -> None:
    """Families of different sizes, one of them full; one open invitation, one declined, and one who left again."""
    for n, (name, primary, others) in enumerate(FAMILIES):
        at = clock.now() - timedelta(days=250 - 40 * n)
        with club.as_(WORKER, at) as session:
            families.start(session, club.ids[primary], name)
        for k, email in enumerate(others):
            _join_family(club, primary, email, at + timedelta(days=9 * k + 1))
    when_left = clock.now() - timedelta(days=20)
    _join_family(club, EEVA, LEFT_AGAIN, when_left - timedelta(days=30))
    with club.as_(club.member(LEFT_AGAIN), when_left) as session:
        leaving.leave(session)
    token = _invite(club, EEVA, SAID_NO, when_left)
    with club.as_(ANONYMOUS, when_left + timedelta(days=1)) as session:
        joining.decline(session, token)
    _invite(club, ANA, INVITED, clock.now() - timedelta(days=5))


def _join_family(club: Club, primary: str, email: str, at: datetime) -> None:
    token = _invite(club, primary, email, at)
    with club.as_(club.member(email), at + timedelta(hours=3)) as session:
        joining.accept(session, token)


def _invite(club: Club, primary: str, email: str, at: datetime) -> str:
    """Invite by the primary's own action; the token is in the mail."""
    with club.as_(club.member(primary), at) as session:
        plan = family_queries.my_plan(session, club.ids[primary])
        assert plan is not None, "the primary has one"  # noqa: S101
        joining.invite(session, plan, family_queries.host_name(session, club.ids[primary]), email)
    with club.as_(WORKER) as session:
        sent = select(Mail.text).where(Mail.recipient == email, Mail.kind == "family-invitation")
        body = session.scalar(sent.order_by(Mail.created_at.desc()).limit(1)) or ""
    token = re.search(r"/family/join/(\S+)", body)
    assert token is not None, email  # noqa: S101
    return token.group(1)


def start_series(club: Club) -> None:
    """The programme of the week, planned three days before three weeks ago; and the daily meeting for days without."""
    first = club.today() - timedelta(days=HISTORY_DAYS)
    then = clock.now() - timedelta(days=HISTORY_DAYS + 3)
    rules: list[tuple[str, str, str, int, tuple[int, ...]]] = [*SERIES, ("Open floor", OPEN, SELIN, 60, ())]
    for number, (title, words, host, minutes, weekdays) in enumerate(rules):
        what = series.SeriesPlan(
            title,
            "weekly" if weekdays else "daily",
            club.hour,
            club.zone,
            first,
            weekdays=weekdays,
            duration=minutes,
            description=words,
            only_if_free=not weekdays,
            platform=("google-meet", "zoom")[number % 2] if weekdays else "link",
        )
        with club.as_(club.admin(), then) as session:
            series_id = series.start(session, what, host, club.ids[SELIN])
            rooms.set_series_link(session, series_id, ROOM)
        club.series[series_id] = what.platform
    with club.as_(WORKER) as session:
        series.extend(session)


class Held(NamedTuple):
    """A meeting of a series, with its host's address."""

    id: UUID
    title: str
    starts_at: datetime
    scheduled_date: date
    host: str


def _of_series(club: Club, over: bool) -> list[Held]:
    by_hour = select(Meeting.id, Meeting.title, Meeting.starts_at, Meeting.scheduled_date, User.email.label("host"))
    by_hour = by_hour.join(User, User.id == Meeting.host_id).where(Meeting.series_id.is_not(None))
    with club.as_(WORKER) as session:
        return typed(
            Held, session.execute(by_hour.where((Meeting.ends_at < clock.now()) == over).order_by(Meeting.starts_at))
        )


def replay_past_meetings(club: Club) -> None:
    """Three weeks of meetings: answered, joined, left and settled as they would have been."""
    for number, held in enumerate(_of_series(club, over=True)):
        usual = [SELIN, BILAL, ANA, held.host]
        others = [email for *_, email, _zone, plan in PEOPLE if plan != "-" and email not in usual]
        crowd = [*dict.fromkeys(usual), *club.dice.sample(others, 10 + number % 7)]
        for email in crowd:
            wish = "accepted" if club.dice.random() < 0.85 else "declined"
            _answer(club, email, held.id, wish, held.starts_at - timedelta(hours=5))
        seen = []
        for n, email in enumerate(crowd):
            if club.dice.random() < 0.8:
                came = held.starts_at + timedelta(minutes=club.dice.randint(-8, 9))
                if _join(club, email, held.id, came):
                    left = held.starts_at + timedelta(minutes=52 + n % 8)
                    seen.append(Sighting(Participant(email, email, email=email), "1", came, left))
        with club.as_(WORKER, held.starts_at + timedelta(hours=3)) as session:
            sightings.take_in(session, held.id, seen, "report")
            attendance_jobs.settle(session)


def know_accounts(club: Club) -> None:
    """Whose the accounts at Google are that were seen in earlier rooms; of two people nobody has said it yet."""
    with club.as_(WORKER) as session:
        for first, last, email, *_ in PEOPLE[:-2]:
            seen = account(email, f"{first} {last or ''}".strip()).user
            session.add(
                KnownAccount(platform="google-meet", account=seen, user_id=club.ids[email], learnt_at=clock.now())
            )


def plan_ahead(club: Club) -> None:
    """One running now, and the meetings that show what can happen to one."""
    for series_id, platform in club.series.items():
        if club.makes_rooms(platform):
            with club.as_(club.admin()) as session:
                rooms.set_series_link(session, series_id, None)
    ahead = {(held.scheduled_date - club.today()).days: held for held in _of_series(club, over=False)}
    running_now(club, clock.now())
    for day, share in ((0, 0.55), (1, 0.5), (4, 0.2), (5, 0.15), (6, 0.3)):
        for email in [p[2] for p in PEOPLE]:
            if day in ahead and email not in (BILAL, ANA) and club.dice.random() < share:
                _answer(club, email, ahead[day].id, "accepted" if club.dice.random() < 0.88 else "declined")
    for day, wish in ((0, "accepted"), (5, "declined"), (6, "accepted")):
        if day in ahead:
            _answer(club, BILAL, ahead[day].id, wish, clock.now() - timedelta(days=2))
            _answer(club, ANA, ahead[day].id, wish)
    full_meeting(club, club.today() + timedelta(days=2))
    circle(club, club.today() + timedelta(days=2))
    offered_place(club, club.today() + timedelta(days=3))
    secret(club, club.today() + timedelta(days=4))
    with club.as_(club.admin()) as session:
        meetings.cancel(session, ahead[4], "The host is ill.")


def write_to_members(club: Club) -> None:
    """What the schedule writes: everybody is invited, reads what is on, and the demo's member is reminded a day before too."""
    with club.as_(club.member(BILAL)) as session:
        choices.keep(session, club.ids[BILAL], choices.Choices(reminders=(60, 1440)))
    with club.as_(WORKER) as session:
        invitations.invite_everybody(session)
        digest.send(session, since=clock.now() - timedelta(days=1))
        reminders.remind(session)


def running_now(club: Club, now: datetime) -> UUID:
    """An hour that began a quarter of an hour ago, with people in it."""
    started = (now - timedelta(minutes=14)).replace(second=0, microsecond=0)
    local = started.astimezone(ZoneInfo(club.zone))
    what = meetings.Plan(BETWEEN, local.date(), local.time(), club.zone, 60, OPEN, max_attendees=60)
    with club.as_(club.admin(), now - timedelta(days=1)) as session:
        meeting_id = _plan(club, session, what, SELIN)
        rooms.set_link(session, meeting_id, ROOM)
    for email in club.dice.sample([p[2] for p in PEOPLE if p[4] != "lapsed"], 26):
        if email not in (BILAL, ANA):
            _answer(club, email, meeting_id, "accepted", now - timedelta(hours=8))
            if club.dice.random() < 0.7:
                _join(club, email, meeting_id, started + timedelta(minutes=club.dice.randint(-9, 12)))
    if club.makes_rooms(what.platform):
        with club.as_(club.admin()) as session:
            rooms.set_link(session, meeting_id, None)
    return meeting_id


def full_meeting(club: Club, day: date) -> None:
    """Twelve places, all taken, and a line with the two sign-ins of the demo in it."""
    what = meetings.Plan(
        "Letters, read aloud",
        day,
        time(18, 0),
        club.zone,
        60,
        "Bring one letter. Read it or have it read.",
        max_attendees=12,
    )
    with club.as_(club.admin()) as session:
        meeting_id = _plan(club, session, what, MARTA)
    paying = [p[2] for p in PEOPLE if p[4] in ("im", "iy") and p[2] not in (BILAL, ANA)]
    for email in [*paying[:14], BILAL, *paying[14:16], ANA, *paying[16:18]]:
        _answer(club, email, meeting_id, "accepted")


def circle(club: Club, day: date) -> None:
    """A meeting whose host answers each request."""
    what = meetings.Plan(
        "Early circle",
        day,
        time(9, 30),
        club.zone,
        30,
        CIRCLE,
        platform="zoom",
        max_attendees=8,
        requires_approval=True,
    )
    with club.as_(club.admin()) as session:
        meeting_id = _plan(club, session, what, INGRID)
    for email in (BILAL, "grace@oneill.ie", "hana.sato@kyoto.jp"):
        _answer(club, email, meeting_id, "accepted")
    with club.as_(club.admin()) as session:
        rsvp.decide_request(session, meeting_id, club.ids["hana.sato@kyoto.jp"], accept=True)


def offered_place(club: Club, day: date) -> None:
    """A small meeting where somebody just gave a place back, and it is offered to the demo's member."""
    what = meetings.Plan("Mending hour", day, time(19, 0), club.zone, 60, "Bring something broken.", "link", 5)
    with club.as_(club.admin()) as session:
        meeting_id = _plan(club, session, what, CHEN)
    people = [p[2] for p in PEOPLE if p[4] in ("im", "iy") and p[2] not in (BILAL, ANA)][20:25]
    for email in [*people, BILAL, ANA]:
        _answer(club, email, meeting_id, "accepted")
    _answer(club, people[0], meeting_id, "declined")


def secret(club: Club, day: date) -> None:
    """A private meeting, whose host invited four."""
    what = meetings.Plan(
        "A surprise for Wei",
        day,
        time(19, 30),
        club.zone,
        30,
        "Ten years of finishing things. Not a word to Wei.",
        max_attendees=10,
        is_private=True,
    )
    with club.as_(club.admin()) as session:
        meeting_id = _plan(club, session, what, INGRID)
    with club.as_(club.member(INGRID)) as session:
        guests.invite(session, meeting_id, [BILAL, ANA, MARTA, EEVA])
    for email in (INGRID, MARTA):
        _answer(club, email, meeting_id, "accepted")


def _plan(club: Club, session: Session, what: meetings.Plan, host: str) -> UUID:
    """A meeting with a room behind its door: made at its platform, or the demo's own."""
    meeting_id = meetings.plan(session, what, host, club.ids[SELIN])
    if not club.makes_rooms(what.platform):
        rooms.set_link(session, meeting_id, ROOM)
    return meeting_id


def _answer(club: Club, email: str, meeting_id: UUID, wish: str, at: datetime | None = None) -> None:
    with contextlib.suppress(Refused), club.as_(club.member(email), at) as session:
        rsvp.respond(session, meeting_id, wish)


def _join(club: Club, email: str, meeting_id: UUID, at: datetime) -> bool:
    device = club.dice.choice(["desktop", "desktop", "mobile", "tablet"])
    with contextlib.suppress(Refused), club.as_(club.member(email), at) as session:
        presence.join(session, meeting_id, device, club.web.config["SETTINGS"].doors_minutes)
        return True
    return False
