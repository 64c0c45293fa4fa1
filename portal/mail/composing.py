"""Mails whose words are written when they leave: their row in the outbox says for whom and for what occasion, and no more."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.mail.models import Mail


@dataclass(frozen=True)
class Body:
    """The words of a mail."""

    subject: str
    text: str
    html: str


Composer = Callable[[Session, Mail], Body | None]
_composers: dict[str, Composer] = {}


def composes(kind: str) -> Callable[[Composer], Composer]:
    """Have a function write the words of mails of this kind right before they are sent: a decorator.

    It answers None if there is nothing left to say; then nothing is sent.
    """

    def register(function: Composer) -> Composer:
        _composers[kind] = function
        return function

    return register


def composer(mail: Mail) -> Composer | None:
    """What writes the words of a mail; None if they are written."""
    return _composers.get(mail.kind) if mail.text is None else None
