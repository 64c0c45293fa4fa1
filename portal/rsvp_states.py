"""How an answer to a meeting is shown, state by state. Pages, lists, the band, the lists of hosts, admins and families,
calendars and the mails take disc, word, sentence and buttons from these tables and from nowhere else.

Fields in braces, like {m.position}, are properties of `MyMeeting` (attendance/my_meeting.py), the meeting as its viewer sees
it. Discs and tones are those of the macro `disc` in templates/parts.html.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Disc = tuple[str, str, str]
"""The drawing, the word beside it, and its tone ("" for none)."""


Way = Literal["free", "full", "approval"]
"""What a yes leads to for somebody who has neither a place nor a request: a place, the line, or a request."""


class Yes(NamedTuple):
    """How a way is shown: its button, its sentence, and what is read in front of the closed door."""

    button: str
    sentence: str
    door: str


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """One state of the viewer's answer. A button without a word is not there.

    `stage`: open (no answer yet), settled (yes or no: a list folds the buttons away), pending (between the two), closed
    (over or cancelled). `door` says why the door is closed while others may come in. `pair`: the buttons are one switch that
    shows the present answer; otherwise each does something of its own. `in_list`: a list shows the sentence too.

    Two are equal if they are the same row of a table: what is drawn for many is found by them, and this takes no time.
    """

    disc: Disc
    sentence: str = ""
    yes: str = ""
    no: str = ""
    door: str = ""
    stage: Literal["open", "settled", "pending", "closed"] = "pending"
    pair: bool = False
    in_list: bool = False


class Told(NamedTuple):
    """Somebody's answer as others read it: hosts and admins as a disc, the family as a sentence (None: families do not see
    it).
    """

    disc: Disc
    family: str | None = None


class Mailed(NamedTuple):
    """What a mail says of an answer: its headline, its subject, and the sentence with which a host's decision is told."""

    headline: str
    subject: str
    decision: str


class InCalendar(NamedTuple):
    """An answer in a feed (RFC 5545 3.8.1.11, 3.8.2.7): STATUS, whether the hour is taken (TRANSP), and a sentence."""

    status: Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]
    busy: bool
    sentence: str


COMING, NO, NO_PLACE = "I’m coming", "Not this time", "You have no place in this one."
NEEDS_PLAN = "You need a plan to take a place."
CHANGEABLE_YES = "You said yes {m.answered}. You can change that any time before the end."
CHANGEABLE_NO = "You said no {m.answered}. You can change that any time before the end."
BY_RULE = "One of your rules answered this. What you answer here counts more."

WAYS: dict[Way, Yes] = {
    "free": Yes(COMING, "Tell us whether you are coming.", ""),
    "full": Yes(
        "Join the line",
        "Every place is taken. You can join the line.",
        "Every place is taken. You can join the line below.",
    ),
    "approval": Yes(
        "Ask for a place",
        "{m.host_or_the_host} approves each person.",
        "{m.host_or_the_host} approves each person. Ask for a place below.",
    ),
}

CLOSED = {
    "cancelled": State(("cross", "Cancelled", "bad"), stage="closed"),
    "came": State(("full", "You came", "ok"), "{m.stayed}", stage="closed", in_list=True),
    "missed": State(("ring", "You said yes, but did not come", ""), stage="closed"),
    "accepted": State(("ring", "You said yes", ""), stage="closed"),
    "unknown": State(("ring", "Not recorded", ""), "Nobody can say whether you came.", stage="closed"),
    "declined": State(("slash", "You said no", ""), stage="closed"),
    "over": State(("ring", "Over", ""), stage="closed"),
}


def _ahead(yes: Yes) -> dict[str, State]:
    """The states of a meeting that is still to come or running, where a new yes is this one."""
    return {
        "open": State(("ring", "No answer yet", ""), yes.sentence, yes.button, NO, yes.door, "open", pair=True),
        "invited": State(("ring", "Invited", ""), yes.sentence, yes.button, NO, yes.door, "open", pair=True),
        "uninvited": State(
            ("ring", "No answer yet", ""),
            sentence="Only people who are invited can answer.",
            door="Only invited people can join.",
            stage="open",
        ),
        "accepted": State(("full", "You’re coming", "ok"), CHANGEABLE_YES, COMING, NO, "", "settled", pair=True),
        "accepted, live": State(
            ("full", "You’re coming", "ok"), "Leaving early? Just close the tab.", COMING, NO, "", "settled", pair=True
        ),
        "accepted, moved": State(
            ("lamp", "Moved: are you still coming?", "amber"),
            "The time has changed since you said yes. Your place is kept until you answer.",
            "I’m still coming",
            NO,
            in_list=True,
        ),
        "accepted, by rule": State(("full", "You’re coming", "ok"), BY_RULE, COMING, NO, "", "settled", pair=True),
        "declined, by rule": State(
            ("slash", "You said no", ""), BY_RULE, yes.button, NO, yes.door, "settled", pair=True
        ),
        "declined": State(("slash", "You said no", ""), CHANGEABLE_NO, yes.button, NO, yes.door, "settled", pair=True),
        "requested": State(
            ("quarter", "Asked, waiting for {m.host_first_or_the_host}", ""),
            sentence="We write to you as soon as {m.host_first_or_the_host} has answered.",
            no="Take it back",
            door="{m.host_or_the_host} has not answered you yet. You can join as soon as you have a place.",
            in_list=True,
        ),
        "rejected": State(("slash", "No place this time", ""), "{m.reason}", door=NO_PLACE, in_list=True),
        "withdrawn": State(
            ("slash", "No longer on the list", ""), "{m.reason}", yes.button, NO, yes.door, pair=True, in_list=True
        ),
        "waitlisted": State(
            ("half", "Waiting, {m.position} in line", ""),
            sentence="We write to you the moment a place opens.",
            no="Leave the line",
            door="Every place is taken and you are in the line. You can join as soon as a place is yours.",
            in_list=True,
        ),
        "waitlisted, together": State(
            ("half", "Waiting, {m.position} in line", ""),
            sentence="You wait together with your family and get places for all of you. "
            "We write to you the moment there are enough.",
            no="Leave the line",
            door="Every place is taken and you are in the line. You can join as soon as a place is yours.",
            in_list=True,
        ),
        "waitlisted, free": State(
            ("lamp", "A place is free now", "amber"),
            "It goes to whoever takes it first.",
            "Take it",
            "Leave the line",
            "A place is free now. Take it below, and you can join.",
            in_list=True,
        ),
        "offered": State(
            ("lamp", "A place is yours until {m.offered_until}", "amber"),
            "Take it, or pass it on to the next person.",
            "Take it",
            "Pass it on",
        ),
        "offered, together": State(
            ("lamp", "A place is yours until {m.offered_until}", "amber"),
            "It is one offer for your whole family: whoever of you takes it takes it for everybody. "
            "If you pass it on, you do so for yourself alone.",
            "Take it",
            "Pass it on",
        ),
    }


AHEAD = {way: _ahead(yes) for way, yes in WAYS.items()}
WITHOUT_PLAN = {
    name: replace(state, sentence=NEEDS_PLAN if state.stage == "settled" else "", yes="", no="", door="", in_list=False)
    for name, state in AHEAD["free"].items()
}
"""Who may not take a place sees what became of an answer, and has nothing to press."""

TOLD = {
    "accepted": Told(("full", "Said yes", "ok"), "{meeting}, {day} at {time}: comes."),
    "offered": Told(("lamp", "Was offered a place", "amber"), "{meeting}, {day} at {time}: has a place on offer."),
    "requested": Told(("quarter", "Asked for a place", "amber")),
    "waitlisted": Told(("half", "Waiting in line", ""), "{meeting}, {day} at {time}: waits for a place."),
    "declined": Told(("slash", "Said no", ""), "{meeting}, {day} at {time}: does not come."),
    "rejected": Told(("slash", "Request declined", "")),
    "withdrawn": Told(("slash", "No longer on the list", "")),
    "invited": Told(("ring", "No answer", "")),
}
"""In the order in which a list shows them."""

OUTCOMES: dict[str, Disc] = {"attended": ("full", "Came", "ok"), "no_show": ("cross", "Did not come", "bad")}
"""What became of an answer once the meeting is settled; it stands in the place of the answer."""

MAILED = {
    "accepted": Mailed(
        "You have a place", "You have a place: {meeting}", "Hello {name}, the host is glad to see you at {meeting}."
    ),
    "waitlisted": Mailed(
        "You are in the line",
        "You are in the line: {meeting}",
        "Hello {name}, you are welcome at {meeting}, but every place is taken. You are in the line.",
    ),
    "rejected": Mailed(
        "No place this time",
        "No place this time: {meeting}",
        "Hello {name}, there is no place for you at {meeting} this time.",
    ),
    "offered": Mailed("A place is yours", "A place is yours: {meeting}", ""),
}

OPEN_IN_CALENDAR = InCalendar("TENTATIVE", False, "You have not answered yet.")
IN_CALENDAR = {
    "accepted": InCalendar("CONFIRMED", True, "You’re coming."),
    "offered": InCalendar("TENTATIVE", True, "A place is held for you. Take it on the meeting’s page."),
    "requested": InCalendar("TENTATIVE", False, "You asked for a place and have no answer yet."),
    "waitlisted": InCalendar("TENTATIVE", False, "You are waiting for a place."),
    "declined": InCalendar("CONFIRMED", False, "You said no."),
    "rejected": InCalendar("CONFIRMED", False, "There is no place for you this time."),
    "withdrawn": InCalendar("TENTATIVE", False, "You no longer have a place."),
    "invited": OPEN_IN_CALENDAR,
}
"""The entry of a meeting in a person's feed, by answer; `OPEN_IN_CALENDAR` for who has none."""
ASKED_AGAIN = InCalendar("TENTATIVE", True, "This meeting moved. Say on its page whether you still come.")
HOSTING = InCalendar("CONFIRMED", True, "You are the host.")
CALLED_OFF = InCalendar("CANCELLED", False, "Cancelled.")
