"""The ticket a page carries in the address of its stream."""

from collections.abc import Sequence
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeTimedSerializer

VALID_SECONDS = 12 * 60 * 60


class Audience(NamedTuple):
    """Readers who see exactly the same: one time zone, with or without names."""

    zone: str
    names_shown: bool


class Ticket(NamedTuple):
    """Leave to follow one meeting as one audience, for as long as the sign-in lasts."""

    meeting: str
    audience: Audience
    sign_in: str
    names_until: int | None = None
    """When the access that shows the names ends, in seconds since 1970; None if nothing ends."""

    def without_names(self) -> "Ticket":
        """The same without anybody's name."""
        return self._replace(audience=Audience(self.audience.zone, names_shown=False), names_until=None)


def issue(secret: str, ticket: Ticket) -> str:
    """The ticket as text that only we can write; it is good for twelve hours."""
    return _serializer([secret]).dumps(ticket)


def admit(secrets: Sequence[str], token: str) -> Ticket | None:
    """The ticket behind `token`, or None if it is forged, foreign or expired.

    Secrets go from oldest to newest, so that a new one can be brought in while pages are open.
    """
    try:
        meeting, audience, *rest = _serializer(secrets).loads(token, max_age=VALID_SECONDS)
        return Ticket(meeting, Audience(*audience), *rest)
    except (BadSignature, TypeError, ValueError):
        return None


def _serializer(secrets: Sequence[str]) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(secrets), salt="portal.live")
