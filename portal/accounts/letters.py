"""The mails of an account. Each leads to a page with a button; opening a link changes nothing."""

from portal.mail import Letter

ASKED = "You get this because somebody entered this address at the club. If it was not you, do nothing."


def verify(name: str | None, token: str, code: str) -> Letter:
    """Confirm the address, by link or code."""
    return Letter(
        subject="Confirm your address",
        headline="Confirm your address",
        body=(
            f"Hello {name or 'there'}, one press and the club is open to you.",
            f"Or type this code where you signed up: {code}",
            "Link and code work for 24 hours.",
        ),
        button=(f"/verify/{token}", "Confirm the address"),
        why=ASKED,
    )


def known() -> Letter:
    """Somebody signed up with an address that has an account."""
    return Letter(
        subject="You already have an account",
        headline="You already have an account",
        body=("Somebody signed up with this address. It has an account already, so nothing was changed.",
              "If it was you, sign in; if the password is gone, set a new one there."),
        button=("/sign-in", "Sign in"),
        why=ASKED,
    )  # fmt: skip


def reset(name: str | None, token: str, code: str) -> Letter:
    """A new password, by link or code."""
    return Letter(
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
