"""Why a family says no, by the words the database answers with."""

from portal.problems import Refused


class NoSeatFree(Refused):
    """Every seat of this plan is taken or promised."""


class InAFamily(Refused):
    """You are in a family already. Leave it first, then open the invitation again."""


class InAlready(Refused):
    """Somebody with this address is in your family already."""


class InvitedAlready(Refused):
    """This address is invited already. You can send the invitation again below."""


class EnoughForToday(Refused):
    """You have sent ten invitations in a day, which is the most. Go on tomorrow."""


class NothingPaid(Refused):
    """Until your plan is first paid for, each seat has one invitation and one in its place, and each is sent again once."""


class TooSoon(Refused):
    """This invitation is less than an hour old. Give it a little time, then send it again."""


class Ending(Refused):
    """The plan is ending, so nobody new can be invited."""


class Gone(Refused):
    """This invitation does not work any more. Ask for a new one."""


class Taken(Refused):
    """Somebody else has taken this seat with the same invitation. Ask for one of your own; we have told who invited."""


class RanOut(Refused):
    """This invitation ran out after 14 days. Ask for a new one."""


class TakenBack(Refused):
    """This invitation was taken back. Ask who invited you."""


class Declined(Refused):
    """You said no to this invitation. Ask for a new one if you think otherwise now."""


class Known(Refused):
    """This address has an account. Sign in with it and open the invitation again."""


class AcceptedMeanwhile(Refused):
    """The invitation was accepted a moment ago: whoever took it is in the family now."""


class PrimaryStays(Refused):
    """Who pays the plan stays in it: hand it over first, or end it."""


class TooLate(Refused):
    """That was on another day, so it stays. Send an invitation instead."""


class BackElsewhere(Refused):
    """Who you removed has taken a seat in another family meanwhile."""


class TooFew(Refused):
    """More people are in or invited than that. Remove somebody or take an invitation back first."""


REFUSALS: dict[str, type[Refused]] = {
    "full": NoSeatFree,
    "in-a-family": InAFamily,
    "in-already": InAlready,
    "invited-already": InvitedAlready,
    "unpaid": NothingPaid,
    "soon": TooSoon,
    "enough": EnoughForToday,
    "ending": Ending,
    "taken": Taken,
    "expired": RanOut,
    "revoked": TakenBack,
    "declined": Declined,
    "known": Known,
    "primary": PrimaryStays,
    "late": TooLate,
    "too-few": TooFew,
}


def refuse(word: str | None) -> None:
    """Raise what the database's word stands for; nothing if it said none."""
    if word:
        raise REFUSALS.get(word, Gone)
