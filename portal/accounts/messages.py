"""The mails of an account. Each leads to a page with a button; opening a link changes nothing."""

from portal.mail import Message

ASKED = "You get this because somebody entered this address at the club. If it was not you, do nothing."


def verify(token: str, code: str) -> Message:
    """On to the password, by link or code. No name: nobody has said yet that the address is theirs."""
    return Message(
        subject="Confirm your address",
        headline="Confirm your address",
        body=(
            "Hello, choose a password and the club is open to you.",
            f"Or type this code where you signed up: {code}",
            "Link and code work for 24 hours.",
        ),
        button=(f"/verify/{token}", "Choose a password"),
        why=ASKED,
    )


def known() -> Message:
    """Somebody signed up with an address that has an account."""
    return Message(
        subject="You already have an account",
        headline="You already have an account",
        body=(
            "Somebody signed up with this address. It has an account already, so nothing was changed.",
            "If it was you, sign in; if the password is gone, set a new one there.",
        ),
        button=("/sign-in", "Sign in"),
        why=ASKED,
    )


def reset(name: str | None, token: str, code: str) -> Message:
    """A new password, by link or code."""
    return Message(
        subject="A new password",
        headline="Set a new password",
        body=(
            f"Hello {name or 'there'}, you can set a new password now. Every sign-in with the old one ends then.",
            f"Or type this code on the page where you asked: {code}",
            "Link and code work for 30 minutes.",
        ),
        button=(f"/reset/{token}", "Set a new password"),
        why=ASKED,
    )


NOT_YOU = "If it was not you, set a new password at once and write to the club."


def password_changed() -> Message:
    """On the account page, by somebody who knew the old one."""
    return Message(
        subject="Your password was changed",
        headline="Your password was changed",
        body=(
            "Somebody who is signed in to your account changed its password. Every other sign-in has ended.",
            NOT_YOU,
        ),
        button=("/account", "Look at your account"),
        why="You get this because the way into your account changed.",
    )


def password_reset() -> Message:
    """By a mail."""
    return Message(
        subject="You have a new password",
        headline="You have a new password",
        body=(
            "A new password was set with a link or code from our mail. Every sign-in with the old one has ended.",
            NOT_YOU,
        ),
        button=("/account", "Look at your account"),
        why="You get this because the way into your account changed.",
    )


def factor_ends(token: str, when: str) -> Message:
    """Once a day, to every address of the last thirty days: it was said to be lost. `when` is on their own clock."""
    return Message(
        subject="Your second factor will be switched off",
        headline="Your second factor will be switched off",
        body=(
            "Somebody set a new password by mail and said that your phone and the recovery codes are lost.",
            f"If nobody signs in with a code before, the second factor is switched off on {when}, and the password alone"
            " opens your account.",
            "If it is not lost, or if that was not you: keep it, then set a new password and write to the club.",
        ),
        button=(f"/keep-second-factor/{token}", "Keep the second factor"),
        why="You get this because this is, or was in the last thirty days, the address of your account. We write once a day.",
    )


def factor_kept() -> Message:
    """Whoever read the mail stopped it."""
    return _about_second_factor(
        "Your second factor stays",
        "It was said to be lost, and is not: it stays as it is, and so do your recovery codes.",
    )


def factor_ended() -> Message:
    """The three days are over."""
    return _about_second_factor(
        "Your second factor is switched off",
        "It was said to be lost three days ago, and nobody has given a code since. Every sign-in has ended; the password"
        " alone opens your account until you set up another app.",
    )


def account_status(active: bool | None, admin: bool | None, reason: str) -> Message:
    """An admin's word on somebody: whether they may come in, or plan."""
    headline, words, button = {
        (False, None): (
            "Your account is suspended",
            "Nobody can sign in with it for now; nothing in it was deleted.",
            None,
        ),
        (True, None): ("Your account is open again", "You can sign in as before.", ("/sign-in", "Sign in")),
        (None, True): (
            "You are an admin of the club now",
            "The restricted pages are open to you as soon as you have a second factor.",
            ("/admin", "To the restricted pages"),
        ),
        (None, False): (
            "You are no longer an admin",
            "You are a member as before. Every sign-in has ended.",
            ("/sign-in", "Sign in"),
        ),
    }[active, admin]
    return Message(
        subject=headline,
        headline=headline,
        body=(f"An admin of the club decided this. {words}", f"The reason given: {reason}"),
        button=button,
        why="You get this because what you may do at the club has changed. If it seems wrong to you, write to the club.",
    )


def _about_second_factor(subject: str, *sentences: str) -> Message:
    return Message(
        subject=subject,
        headline=subject,
        body=(*sentences, NOT_YOU),
        button=("/account/second-factor", "Look at your account"),
        why="You get this because the way into your account changed.",
    )


def second_factor_on() -> Message:
    """An app was set up."""
    return _about_second_factor(
        "Your second factor is set up",
        "From now on a sign-in needs a code from your app besides the password. Every other sign-in has ended.",
    )


def second_factor_off() -> Message:
    """Back to the password alone."""
    return _about_second_factor(
        "Your second factor is switched off", "From now on the password alone opens your account."
    )


def second_factor_reset() -> Message:
    """The operator took it away, on request."""
    return _about_second_factor(
        "Your second factor was taken away",
        "The club did this because somebody said that app and recovery codes are lost. Every sign-in has ended;"
        " the password alone opens your account until you set up another app.",
    )


def new_recovery_codes() -> Message:
    """The ten before them are void."""
    return _about_second_factor(
        "You have new recovery codes", "Ten new recovery codes were made. The ones before open nothing any more."
    )


def recovery_code_used() -> Message:
    """One of the ten is gone."""
    return _about_second_factor(
        "A recovery code was used", "Somebody signed in with one of your recovery codes. It opens nothing any more."
    )


def new_address(code: str) -> Message:
    """The code that proves the new address. No name: it may be somebody else's."""
    return Message(
        subject="Confirm your new address",
        headline="Confirm your new address",
        body=(
            "Hello, you asked to sign in with this address from now on.",
            f"Type this code on the page where you asked: {code}",
            "The code works for ten minutes.",
        ),
        why=ASKED,
    )


def address_taken() -> Message:
    """Somebody signed in wants an address that has an account of its own."""
    return Message(
        subject="This address has an account already",
        headline="This address has an account already",
        body=("Somebody wanted to use this address for another account. It has one already, so nothing was changed.",),
        button=("/sign-in", "Sign in"),
        why=ASKED,
    )


def address_changed(new: str) -> Message:
    """To the old address and to the new one."""
    return Message(
        subject="Your address was changed",
        headline="Your address was changed",
        body=("From now on you sign in with another address, and mails go there.", NOT_YOU),
        details=[("The new address", new)],
        why="You get this because the address of your account changed. The other address is told as well.",
    )


def closed() -> Message:
    """The last mail."""
    return Message(
        subject="Your account is closed",
        headline="Your account is closed",
        body=(
            "Your name and address are taken off your account, and your places in the coming meetings are free again.",
            "Orders stay for as long as the law wants them kept. You can sign up again any day.",
        ),
        why="You get this because your account was closed. It is the last mail.",
    )
