"""What opens something does not stand in a log: told by the name it is kept under, and by how it looks."""

import re
from typing import Any

STRUCK = "[struck out]"

_NAMES = {"password", "token", "code", "codes", "link", "key", "secret", "card"}
_PATTERNS = re.compile(
    r"""
      (?P<harmless>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-]))       # an id of ours
    | (?i:(?:https?://)?[\w.-]*\b(?:meet\.google\.com|zoom\.us|zoom\.com)/\S+)  # where a meeting is held
    | \b(?:sk|rk|whsec)_\w{8,}                                                 # keys of Stripe
    | (?<![\w-])(?=[\w-]*[A-Z0-9])[\w-]{40,}                                 # tokens, keys of sign-ins, hashes
    | (?P<digits>(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-]))                      # the number of a card, if it adds up
    """,
    re.VERBOSE | re.ASCII,
)


def struck(value: Any, name: str = "") -> Any:  # JSON, of any shape
    """The value as the log may keep it: text on one line, without passwords, tokens, rooms or numbers of cards."""
    if value is not None and not isinstance(value, (bool, dict)) and _NAMES & set(re.split(r"[^a-z]+", name.lower())):
        return STRUCK
    if isinstance(value, dict):
        return {str(key): struck(one, str(key)) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [struck(one) for one in value]
    return _PATTERNS.sub(_judged, " ".join(value.split())) if isinstance(value, str) else value


def _judged(found: re.Match[str]) -> str:
    kept = found["harmless"] or (found["digits"] if not _adds_up(found["digits"] or "0") else "")
    return kept or STRUCK


def _adds_up(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B)."""
    numbers = [int(c) for c in digits if c.isdecimal()]
    doubled = [n if place % 2 == 0 else sum(divmod(2 * n, 10)) for place, n in enumerate(reversed(numbers))]
    return sum(doubled) % 10 == 0
