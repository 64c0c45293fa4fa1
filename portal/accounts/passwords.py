"""Passwords: Argon2id, at least twelve characters, none of the first to be guessed; any characters.

Before hashing they are brought into one form (RFC 8265, 4.2: other spaces are spaces, Unicode NFC), so that a password is
the same on every keyboard. Nothing else of what was typed is changed.
"""

import os
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from portal.limits import Busy
from portal.writing import in_form

SHORTEST, LONGEST = 12, 256
LEAKED = FREQUENCY_LISTS["passwords"]

# The second of the five settings that OWASP's Password Storage Cheat Sheet holds to be equally strong
# (docs/decisions/passwords.md): 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Recovery codes are chance, not choice: fifty-five bits of it need less work than a password, and come in tens.
_code_hasher = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)


PATIENCE = 2.0
"""Seconds somebody's password waits for those before it."""


class Turns:
    """A hash takes a whole core for some hundredths of a second, so few are made at once and a thread is left for pages.

    `threads` is how many requests this process answers at once. One core and one thread are left to others, where there
    are more than two threads also by those who wait. `limits.Busy` for whom that is too many.
    """

    def __init__(self, threads: int = 2) -> None:
        self._line = threading.BoundedSemaphore(max(2, threads - 1))
        self._hashing = threading.BoundedSemaphore(max(1, min(threads, os.cpu_count() or 1) - 1))

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for one's turn; raises Busy."""
        if not self._line.acquire(blocking=False):
            raise Busy
        try:
            if not self._hashing.acquire(timeout=PATIENCE):
                raise Busy
            try:
                yield
            finally:
                self._hashing.release()
        finally:
            self._line.release()


_turns = Turns()


def share(threads: int) -> None:
    """Hash with what a process of so many threads can spare."""
    global _turns
    _turns = Turns(threads)


@cache
def _decoy() -> str:
    return _hasher.hash("nobody has this password")


def kept_form(password: str) -> str:
    """The one form in which a password is hashed, however a keyboard put it together."""
    return in_form("NFC", "".join(" " if unicodedata.category(c) == "Zs" else c for c in password))


def hashed(password: str) -> str:
    """The Argon2id hash to keep, at the current settings. Raises Busy."""
    with _turns.one():
        return _hasher.hash(kept_form(password))


def hashed_code(code: str) -> str:
    """The Argon2id hash of a random code. Raises Busy."""
    with _turns.one():
        return _code_hasher.hash(code)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one hashed. Without a hash the same work is done, and the answer is no. Raises Busy."""
    return fitting_form(password, password_hash) is not None


def fitting_form(password: str, password_hash: str | None) -> str | None:
    """The form of the password that was hashed, or None: before there was one form it was hashed as it was typed.

    For plain letters all forms are one. Without a hash the same work is done, and the answer is None. Raises Busy.
    """
    forms = dict.fromkeys((kept_form(password), password, in_form("NFD", password)))
    kept = password_hash or _decoy()
    with _turns.one():
        return next((form for form in forms if _verified(form, kept) and password_hash), None)


def _verified(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with older settings and should be made again."""
    return _hasher.check_needs_rehash(password_hash)


def fault(password: str, *personal: str | None) -> str | None:
    """Why this password will not do, as a sentence, or None. `personal` words (names, address, club) do not make one."""
    password = kept_form(password)
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters for the password. Any words you like, spaces too."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters for the password."
    # The 30,000 commonest leaked passwords, names, words and runs of keys (zxcvbn's own lists, whole and offline), however
    # they are joined and whatever stands between them; no rule on what characters to use.
    # The beginning is enough to see it by, and keeps the work short; nor is a name worth more of it.
    known = [word[:80] for word in personal if word]
    bare = "".join(c for c in password.casefold() if c.isalnum())
    if password.lower() in LEAKED or any(_is_weak(guess, known) for guess in {password, bare, _without(bare, known)}):
        return "That password is one of the first anybody would try. Take one that is only yours."
    return None


def _is_weak(guess: str, known: list[str]) -> bool:
    return not guess or zxcvbn(guess[:32], user_inputs=known)["score"] < 2


def _without(bare: str, known: list[str]) -> str:
    """What of a password is left besides the words everybody knows: that alone has to be hard to guess."""
    words = {word for guess in known for word in re.findall(r"[^\W_]{3,}", guess.casefold())}
    for word in sorted(words, key=len, reverse=True):
        bare = bare.replace(word, "")
    return bare
