"""The mails of a family. Links lead to pages; opening one changes nothing."""

from flask import current_app

from portal.billing import is_free
from portal.mail import Message

WHY_IN = "You get this because you are in this family."
WHY_WAS_IN = "You get this because you were in this family."
WHY_PAYS = "You get this because you pay for this family plan."
WHY_LEADS = "You get this because you invited the people of this family."


def invitation(plan: str | None, host: str, token: str) -> Message:
    """A seat, held for 14 days. It may go to a stranger: what the host is called, and calls the plan, is no headline."""
    return Message(
        subject="A seat at the club is held for you",
        headline="A seat is held for you",
        body=(
            "A member of the club would like you to join their family there. It costs you nothing."
            if is_free()
            else "A member of the club pays for a family plan and would like you to join it. It costs you nothing.",
            "You have an account of your own; nobody in the family sees your answers. The seat is held for 14 days.",
            "Opening this mail or its link decides nothing; the page has a button for yes and one for no.",
        ),
        details=[("From", host), *([("Plan", plan)] if plan else [])],
        button=(f"/family/join/{token}", "See the invitation"),
        why="You get this because that member entered this address. If you do not know them, do nothing.",
    )


def joined(plan: str | None, who: str, address: str | None) -> Message:
    """To the primary: a seat was taken, and by whom."""
    headline = f"{who} is in"
    return _to_primary(headline, (f"{who} ({address}) accepted your invitation and is in {called(plan)} now.",))


def declined(plan: str | None, address: str | None) -> Message:
    """To the primary: no."""
    return _to_primary("A seat is free again", (f"{address} said no to your invitation to {called(plan)}.",))


def expired(plan: str | None, address: str | None) -> Message:
    """To the primary: nobody came for 14 days."""
    words = f"Nobody answered your invitation to {address} for 14 days. The seat in {called(plan)} is free again."
    return _to_primary("An invitation ran out", (words,))


def missed(plan: str | None, address: str | None) -> Message:
    """To the primary: two people came with one invitation."""
    return _to_primary(
        "Two people came with one invitation",
        (
            f"Your invitation to {address} into {called(plan)} was used, and then somebody else tried it as well.",
            "One invitation is one seat. Who came second has been told to ask you for one of their own.",
        ),
    )


def left(plan: str | None, who: str) -> Message:
    """To the primary: somebody went."""
    return _to_primary(f"{who} left", (f"{who} left {called(plan)}. The seat is free.",))


def removed(plan: str | None, who: str, when: str) -> Message:
    """To who was removed: by whom and when."""
    return Message(
        subject=f"You are no longer in {called(plan)}",
        headline=f"You are no longer in {called(plan)}",
        body=(
            f"{who} ended your seat on {when}. You stay in the club.",
            "Your account and your record stay as they are.",
        )
        if is_free()
        else (
            f"{who} ended your seat on {when}. The plan no longer covers you.",
            "Your account, your record and whatever you pay yourself stay as they are. You can start a plan of your own any day.",
        ),
        button=_plans(),
        why=WHY_WAS_IN,
    )


def back(plan: str | None, who: str) -> Message:
    """To who was removed: the removal was taken back."""
    return Message(
        subject=f"You are in {called(plan)} again",
        headline=f"You are in {called(plan)} again",
        body=(
            "Your removal was taken back."
            if is_free()
            else f"Your removal was taken back. {who} pays the plan, and it covers you as before.",
            "Places you had at coming meetings may have gone to others: look at your answers.",
        ),
        button=("/meetings", "See the meetings"),
        why=WHY_IN,
    )


def removed_by_club(plan: str | None, who: str) -> Message:
    """To the primary: an admin acted in their place."""
    return _to_primary(f"The club has removed {who}", (f"{who} is no longer in {called(plan)}. The seat is free.",))


def back_by_club(plan: str | None, who: str) -> Message:
    """To the primary: an admin took that back."""
    return _to_primary(f"{who} is back", (f"The club took the removal back: {who} is in {called(plan)} again.",))


def asked_to_take_over(plan: str | None, who: str) -> Message:
    """To the member who may take over."""
    return Message(
        subject=f"Will you take over {called(plan)}?",
        headline=f"Will you take over {called(plan)}?",
        body=_what_taking_over_means(who),
        button=("/family", "Decide on the page"),
        why=WHY_IN,
    )


def proposed_by_club(plan: str | None, who: str) -> Message:
    """To the primary: the club has asked somebody in their place."""
    return _to_primary(
        "The club has asked somebody to take over",
        (
            f"An admin of the club asked {who} to take over {called(plan)}.",
            "Nothing changes until they have said yes. If this is not right, take it back on the page or write to the club."
            if is_free()
            else "Nothing changes until they have paid. If this is not right, take it back on the page or write to the club.",
        ),
    )


def transfer_off(plan: str | None) -> Message:
    """To the primary: it stays as it is."""
    headline = "The family stays yours" if is_free() else "The plan stays yours"
    return _to_primary(headline, (f"Handing over {called(plan)} is off. Nothing has changed.",))


def taken_over(plan: str | None, who: str) -> Message:
    """To everybody: who pays now."""
    headline = f"{who} leads the family now" if is_free() else f"{who} pays the plan now"
    words = f"{who} has taken over {called(plan)} and its payments. Nothing else changes for you."
    if is_free():
        words = f"{who} has taken over {called(plan)}. Nothing else changes for you."
    return Message(headline, headline, (words,), WHY_IN, button=("/family", "See the family"))


def date(plan: str | None, until: str, sooner: bool) -> Message:
    """To everybody covered: the date they share is another."""
    headline = f"You are covered until {until}" if until else "The family plan covers nobody at the moment"
    if not sooner:
        words = f"We have the payment for {called(plan)}. The date is the same for everybody in it."
    elif until:
        words = f"The payment for {called(plan)} was given back or withheld. The date is {until} for everybody in it."
    else:
        words = f"The payment for {called(plan)} was given back or withheld. Nobody in it is covered now."
    return Message(headline, headline, (words,), WHY_IN, button=("/family", "See the family"))


def ending(plan: str | None, who: str, until: str) -> Message:
    """To everybody: the last date."""
    return Message(
        subject=f"{who} lets the family plan end",
        headline=f"You are covered until {until}",
        body=(
            f"{who} is ending {called(plan)}. Everybody keeps everything until {until}; after that day the plan covers nobody.",
            "You can start a plan of your own then, or before.",
        ),
        button=("/plans", "See the plans"),
        why=WHY_IN,
    )


def individual(plan: str | None, who: str, until: str) -> Message:
    """To everybody but the payer: the last date, since the payer goes on alone."""
    return Message(
        subject=f"{who} goes on with a plan for one",
        headline=f"You are covered until {until}",
        body=(
            f"From {until} on {who} pays a plan for one person, and {called(plan)} ends. Everybody in it keeps everything"
            " until that day.",
            "You can start a plan of your own then, or before.",
        ),
        button=("/plans", "See the plans"),
        why=WHY_IN,
    )


def goes_on(plan: str | None, who: str) -> Message:
    """To everybody but the payer: the end they were told of is off."""
    return Message(
        subject="The family plan goes on",
        headline="The family plan goes on",
        body=(
            f"{who} is keeping {called(plan)} after all. It does not end on the day you were told, and you stay covered.",
        ),
        button=("/family", "See the family"),
        why=WHY_IN,
    )


def ended(plan: str | None) -> Message:
    """To everybody: it is over."""
    if is_free():
        words = (f"{called(plan)} has ended. You stay in the club.", "Your account and your record stay as they are.")
        return Message("The family has ended", "The family has ended", words, WHY_WAS_IN, button=_plans())
    return Message(
        subject="The family plan has ended",
        headline="The family plan has ended",
        body=(
            f"The payments for {called(plan)} have ended, and it covers nobody any more.",
            "Your account and your record stay as they are.",
            "You can start a plan of your own any day.",
        ),
        button=("/plans", "See the plans"),
        why=WHY_WAS_IN,
    )


def _what_taking_over_means(who: str) -> tuple[str, str]:
    way = current_app.config["SETTINGS"].payment_way
    if way == "free":
        return (
            f"{who} would like you to take over the family.",
            "You would invite people and remove them. Nothing changes until you have said yes.",
        )
    if way == "transfer":
        return (
            f"{who} would like you to take over the plan and its payments.",
            "Nothing changes until you have paid; what you pay counts from that day.",
        )
    return (
        f"{who} would like you to take over the plan and its payments.",
        "Nothing changes until you have paid. Your first payment is due when the paid time ends, so nobody pays twice;"
        " if that is less than three days away, or nothing was paid yet, it is due at once.",
    )


def _plans() -> tuple[str, str]:
    return ("/meetings", "See the meetings") if is_free() else ("/plans", "See the plans")


def called(plan: str | None) -> str:
    """The plan's name in quotes, or what it is."""
    return f"“{plan}”" if plan else "the family" if is_free() else "the family plan"


def _to_primary(headline: str, body: tuple[str, ...]) -> Message:
    return Message(headline, headline, body, WHY_LEADS if is_free() else WHY_PAYS, button=("/family", "See the family"))
