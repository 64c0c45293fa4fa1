"""A meeting as one member sees it: the board, and their own answer, place in the line, offer and door.

A list shows some of it (`MeetingListItem`), and what a list shows is drawn once for everybody who sees the same.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from flask_login import current_user
from markupsafe import Markup

from portal.attendance import queries
from portal.attendance.rsvp import needs_new_answer
from portal.fast import cached_fragment
from portal.meetings.board import LAST_HOUR, Board, Clock, here_and_now
from portal.meetings.repeats import clocks_note, in_words
from portal.rsvp_states import AHEAD, CLOSED, WITHOUT_PLAN, Disc, State, Way
from portal.sentences import ngettext
from portal.times import day_medium, hours, month_in_words, ordinal, since
from portal.web import find


class MyMeeting(Board):
    """A board with what is the viewer's own: answer, place in the line, offer, and whether the door opens for them."""

    _row: queries.Mine

    def __init__(self, row: queries.Mine, clock: Clock, entitled: bool) -> None:
        clock = clock.of_host if row.is_host else clock
        super().__init__(row, clock, row.here if isinstance(row, queries.Upcoming) else 0)
        self.entitled = entitled
        self._offer: datetime | None = row.offer_expires_at
        self._ran_out = row.answer == "offered" and self._offer is not None and self._offer <= clock.now
        self.way: Way = "approval" if row.requires_approval else "full" if self.full else "free"
        self.state = self._state()

    @property
    def answer(self) -> str | None:
        """What the viewer said, or what became of it; None before that, also while they are invited only as everybody is.
        An offer has run out when the clock says so, swept or not.
        """
        if self._ran_out:
            return "withdrawn"
        return None if self._row.answer == "invited" and not self.private else self._row.answer

    @property
    def reason(self) -> str:
        """Why the answer is what it is, where somebody or something else decided."""
        return "The offer ran out." if self._ran_out else self._row.reason or ""

    def _state(self) -> State:
        if self.phase == "cancelled":
            return CLOSED["cancelled"]
        answer = self.answer
        if self.phase == "over":
            return CLOSED[self.mark or "over"]
        key = answer or ("uninvited" if self.uninvited else "open")
        if key in ("waitlisted", "offered"):
            key += ", free" if self.seat_free_now else ", together" if self.together else ""
        elif key == "accepted" and self.phase == "live":
            key = "accepted, live"
        elif key == "accepted" and needs_new_answer(self._row.agreed_to, self._row.starts_at, self._row.timezone):
            key = "accepted, moved"
        elif key in ("accepted", "declined") and self.by_rule:
            key += ", by rule"
        return (AHEAD[self.way] if self.entitled else WITHOUT_PLAN)[key]

    @property
    def disc(self) -> Disc:
        """The drawing, the word and the tone that say what is so."""
        drawing, word, tone = disc = self.state.disc
        return (drawing, word.format(m=self), tone) if "{" in word else disc

    @property
    def sentence(self) -> str:
        """What that means, or empty."""
        return self.state.sentence.format(m=self)

    @property
    def note(self) -> str:
        """The sentence, where a list shows it too."""
        return self.state.sentence.format(m=self) if self.state.in_list else ""

    @property
    def door_sentence(self) -> str:
        """Why the door does not open for the viewer while it does for others."""
        return self.state.door.format(m=self)

    @property
    def host_or_the_host(self) -> str:
        """Who decides, at the beginning of a sentence."""
        return self.host or "The host"

    @property
    def host_first_or_the_host(self) -> str:
        """Who decides, by first name, inside a sentence."""
        return self.host.split(" ")[0] or "the host"

    @property
    def places_line(self) -> str:
        """How many places are left and for whom, in few words."""
        if self.answer == "offered":
            return "A place came free"
        if self.private and self.capacity:
            return f"Only for invited people, {self.taken} of {self.capacity} places taken"
        if self.private:
            return "Only for invited people"
        if self.way == "approval":
            return "The host approves each person"
        if self.way == "full" and self.waiting:
            return f"Every place is taken, {self.waiting} waiting"
        if self.way == "full":
            return "Every place is taken, nobody waiting"
        if self.capacity and self.taken:
            return f"{self.taken} of {self.capacity} places taken"
        if self.capacity:
            return ngettext(
                "Nobody is coming yet, %(num)s place", "Nobody is coming yet, %(num)s places", self.capacity
            )
        if self.taken:
            return ngettext("%(num)s person is coming", "%(num)s people are coming", self.taken)
        return "Nobody is coming yet"

    @property
    def uninvited(self) -> bool:
        """An admin sees private meetings too, and answers only where invited."""
        return bool(self._row.is_private and self._row.answer is None)

    @property
    def private(self) -> bool:
        """Whether only people who are invited know of it."""
        return self._row.is_private

    @property
    def position(self) -> str:
        """Which one in the line."""
        return ordinal(self._row.position) if self._row.position else ""

    @property
    def offered_until(self) -> str:
        """Until when the offered place is held, with the day, which is seldom the meeting's: 16:09 today."""
        if not self._offer:
            return ""
        until, today = self._clock.here(self._offer), self._clock.today.date()
        day = {0: "today", 1: "tomorrow"}.get((until.date() - today).days, f"on {day_medium(until.date())}")
        return f"{until:%H:%M} {day}"

    @property
    def offered_soon(self) -> bool:
        """Whether a held place ends within the hour."""
        return self.answer == "offered" and self._offer is not None and self._offer - self._clock.now <= LAST_HOUR

    @property
    def seat_free_now(self) -> bool:
        """Near the start the first of those waiting who clicks has the place."""
        return self.answer == "waitlisted" and self.free and self.last_hour

    @property
    def together(self) -> bool:
        """Whether the answer was given for the family as one."""
        return self._row.party_id is not None

    @property
    def by_rule(self) -> bool:
        """Whether one of the viewer's rules gave the answer; only the page of a meeting knows."""
        return False

    @property
    def us(self) -> list[str]:
        """First names of all a yes for all of us would be for, the viewer's first; only the page of a meeting knows."""
        return []

    @property
    def with_me(self) -> bool:
        """Whether the viewer is still to answer."""
        return self.answer in (None, "invited", "declined", "withdrawn")

    @property
    def my_minutes(self) -> int | None:
        """How long the viewer stayed; no longer than it was planned, though people come early and leave late."""
        stayed: int | None = self._row.join_duration
        return None if stayed is None else min(stayed, self.minutes)

    @property
    def stayed(self) -> str:
        """How long the viewer stayed, as a sentence; nothing if nobody knows."""
        if not self.my_minutes:
            return ""
        if self.my_minutes >= self.minutes:
            return "You stayed the whole time."
        return ngettext("You stayed %(num)s minute.", "You stayed %(num)s minutes.", self.my_minutes)

    @property
    def came_myself(self) -> bool:
        """After the hour "came" is the viewer's own question; the board's number is everybody's."""
        return self._row.joined_at is not None or self._row.outcome == "attended"

    @property
    def mark(self) -> str:
        """What became of a meeting behind, for the viewer: cancelled, came, missed (after a yes), accepted (it is not settled
        yet), unknown (it is, and nobody knows whether they came after their yes), declined, or nothing.
        """
        if self.phase == "cancelled":
            return "cancelled"
        if self.came_myself:
            return "came"
        if self._row.outcome == "no_show":
            return "missed"
        if self.answer == "accepted":
            return "unknown" if self._row.attendance_record else "accepted"
        return "declined" if self.answer == "declined" else ""

    @property
    def can_join(self) -> bool:
        """Whether the door opens for the viewer now."""
        if self.phase not in ("doors", "live") or not self.entitled or self.uninvited:
            return False
        if self._row.is_host:
            return True
        return self.answer in ("accepted", "offered") or (self.with_me and self.way == "free")

    @property
    def room_ready(self) -> bool:
        """Whether there is a room behind the door."""
        return self._row.provision_state == "ready"

    @property
    def family(self) -> list[str]:
        """First names of those a yes for all of us is for, besides the viewer."""
        return self.us[1:] if self.with_me else self.us

    @property
    def answered(self) -> str:
        """When the viewer said so, like on Sunday at 20:12."""
        return since(self._row.responded_at, self._clock.today) if self._row.responded_at else "earlier"


class TheMeeting(MyMeeting):
    """The meeting of a page, with what no list shows."""

    _row: queries.One

    def __init__(self, row: queries.One, clock: Clock, entitled: bool) -> None:
        super().__init__(row, clock, entitled)
        self.description_html = Markup()

    @property
    def us(self) -> list[str]:
        """First names of all a yes for all of us would be for, the viewer's first."""
        return self._row.us or []

    @property
    def by_rule(self) -> bool:
        """Whether one of the viewer's rules gave the answer."""
        return self._row.standing_answer_id is not None

    @property
    def series_id(self) -> str:
        """Which series it is one of; empty for one that stands alone."""
        return str(self._row.series_id or "")

    @property
    def may_note(self) -> bool:
        """Whether there is a host whom the viewer can tell something."""
        has_host = self._row.host_id is not None and not self.hosted
        return has_host and self.entitled and not self.uninvited and self.phase in ("ahead", "doors", "live")

    @property
    def hosted(self) -> bool:
        """Whether the viewer leads it."""
        return self._row.is_host

    @property
    def repeats(self) -> str:
        """How the series it is one of repeats: Every Tuesday and Thursday. Nothing for one that stands alone."""
        return in_words(self._row) if self._row.repeats else ""

    @property
    def clocks_note(self) -> str:
        """Why it starts at another hour than the others of its series, where the clocks are the reason."""
        row = self._row
        if row.series_date is None or row.series_time is None or row.start_time == row.series_time:
            return ""
        return clocks_note(row.series_date, row.series_time, row.timezone)

    @property
    def requests(self) -> int:
        """How many wait for an answer to their asking; for the host."""
        return self._row.request_count


class Past(NamedTuple):
    """All that is shown of a meeting behind to one viewer."""

    id: str
    title: str
    host: str
    day: str
    time: str
    starts_at_iso: str
    cancel_reason: str
    mark: str
    stayed: str


# What both kinds of drawing show; which, and of what type, is said at the properties above.
SHARED_FIELDS = (
    "id",
    "title",
    "host",
    "minutes",
    "room",
    "phase",
    "time",
    "starts_at_iso",
    "answer",
    "way",
    "state",
    "disc",
    "can_join",
    "room_ready",
)


def _fields_of(name: str, *fields: str) -> Callable[[MyMeeting], tuple[object, ...]]:
    """Makes of a meeting a tuple of some of its properties, by name: all that a drawing shows of it. The same tuple is the
    same drawing, whoever looks.
    """
    made: Any = namedtuple(name, fields)  # type: ignore[misc]  # mypy takes no names that are put together
    read = attrgetter(*fields)
    return lambda mine: made(*read(mine))


meeting_list_item = _fields_of(
    "MeetingListItem", *SHARED_FIELDS, "note", "places_line", "club_elsewhen", "cancel_reason", "came"
)
"""All that a list shows of a meeting to one viewer at one moment."""

next_meeting = _fields_of(
    "Next",
    *SHARED_FIELDS,
    "sentence",
    "capacity",
    "taken",
    "waiting",
    "full",
    "day",
    "city",
    "same_zone",
    "club_time",
    "club_city",
    "club_day_differs",
    "club_date_long",
    "minute",
    "starts_in",
    "here",
    "end",
)
"""All that is shown of the next meeting, large, to one viewer at one minute."""


def next_meeting_fragment(mine: MyMeeting) -> Markup:
    """The next meeting, drawn large."""
    return cached_fragment("attendance/_next_meeting.html", "next_meeting", next_meeting(mine))


def by_day(mine: Iterable[MyMeeting], level: int) -> list[Markup]:
    """Meetings in their order under the day they are on in the viewer's zone, each day drawn with a heading of `level`."""
    days = []
    for number, (_date, some) in enumerate(groupby(mine, attrgetter("date")), 1):
        one, *more = some
        rows = tuple(meeting_list_item(m) for m in (one, *more))
        days.append(
            cached_fragment(
                "attendance/_meeting_list_item.html", "day", number, one.day_short, one.day_note, rows, level
            )
        )
    return days


def _length(mine: MyMeeting) -> str:
    """How long the viewer was there, for a list."""
    return f"{mine.my_minutes} min" if mine.my_minutes else "Came"


class MonthSum(NamedTuple):
    """What somebody's record is in a month: evenings they said yes to or came to, evenings they came to, minutes there, and
    evenings they came to of which nobody measured how long they stayed.
    """

    yes: int
    came: int
    minutes: int
    unmeasured: int

    @property
    def came_to(self) -> str:
        """How often, in few words."""
        return f"Came to {self.came} of {self.yes}" if self.yes else ""

    @property
    def hours(self) -> str:
        """How long together, as a sentence that says what is not known; nothing for who never came."""
        if not self.unmeasured:
            return f"You were there for {hours(self.minutes)}." if self.minutes else ""
        if not self.minutes:
            return ngettext(
                "Nobody measured how long you stayed at %(num)s evening.",
                "Nobody measured how long you stayed at %(num)s evenings.",
                self.unmeasured,
            )
        return ngettext(
            "You were there for %(hours)s, and at %(num)s evening for a time nobody measured.",
            "You were there for %(hours)s, and at %(num)s evenings for a time nobody measured.",
            self.unmeasured,
            hours=hours(self.minutes),
        )


NOTHING = MonthSum(0, 0, 0, 0)


def by_month(mine: Iterable[MyMeeting], sums: Mapping[date, MonthSum]) -> list[Markup]:
    """Meetings behind in their order, under the month they were in for the viewer; `sums` by the first day of a month."""
    months = []
    for first, some in groupby(mine, lambda m: m.date.replace(day=1)):
        meetings = tuple(
            Past(m.id, m.title, m.host, m.day_short, m.time, m.starts_at_iso, m.cancel_reason, m.mark, _length(m))
            for m in some
        )
        own, name = sums.get(first, NOTHING), month_in_words(first)
        months.append(cached_fragment("attendance/_past.html", "month", name, own.came_to, own.hours, meetings))
    return months


def the_meeting(meeting_id: UUID) -> queries.One:
    """The row of a meeting the viewer may see, with their own answer; 404 otherwise."""
    return find(queries.ONE, meeting_id=meeting_id)


def present_meeting(row: queries.One, viewer_clock: Clock | None = None) -> TheMeeting:
    """The row of one meeting as the viewer sees it now."""
    return TheMeeting(row, viewer_clock or here_and_now(), current_user.entitled)


def my_next(mine: Iterable[MyMeeting]) -> MyMeeting | None:
    """Where somebody who just wants in is led: to an open door, before all one they said yes to, else to what comes next.

    Not to what is cancelled or over, what they said no to, or what is not for them.
    """
    possible = [
        m
        for m in mine
        if m.phase not in ("cancelled", "over") and m.answer not in ("declined", "rejected") and not m.uninvited
    ]
    return min(possible, key=_how_soon, default=None)


def _how_soon(m: MyMeeting) -> tuple[bool, bool, datetime]:
    is_open = m.phase in ("doors", "live")
    return not is_open, is_open and m.answer not in ("accepted", "offered"), m.starts_at


def present_meetings(rows: Iterable[queries.Mine], viewer_clock: Clock) -> list[MyMeeting]:
    """Many rows as the viewer sees them now."""
    entitled = current_user.entitled
    return [MyMeeting(row, viewer_clock, entitled) for row in rows]
