"""The name of what is being done, like 7F3K-20QX: on its error page, in its log rows, and in the jobs it leaves."""

import secrets

from flask import g, has_app_context, has_request_context

READABLE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: no letter that could be read as another on the phone."""


def reference() -> str:
    """What this request is called, or the one whose job this is; empty for what nobody asked for, like the clock's."""
    if not has_app_context():
        return ""
    if "reference" not in g and has_request_context():
        bits = secrets.randbits(40)
        letters = "".join(READABLE[bits >> shift & 31] for shift in range(0, 40, 5))
        carry(f"{letters[:4]}-{letters[4:]}")
    return str(g.get("reference", ""))


def carry(name: str) -> None:
    """Go on under this name."""
    g.reference = name
