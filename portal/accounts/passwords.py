"""Passwords: Argon2id, at least twelve characters, none of the first to be guessed; any characters, used as typed."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from portal.limits import Busy

SHORTEST, LONGEST = 12, 256

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


def hashed(password: str) -> str:
    """The Argon2id hash to keep, at the current settings. Raises Busy."""
    with _turns.one():
        return _hasher.hash(password)


def hashed_code(code: str) -> str:
    """The Argon2id hash of a random code. Raises Busy."""
    with _turns.one():
        return _code_hasher.hash(code)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one hashed. Without a hash the same work is done, and the answer is no. Raises Busy."""
    decoy = _decoy()
    try:
        with _turns.one():
            return _hasher.verify(password_hash or decoy, password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with older settings and should be made again."""
    return _hasher.check_needs_rehash(password_hash)


def fault(password: str, *personal: str | None) -> str | None:
    """Why this password will not do, as a sentence, or None. `personal` words (name, address) do not make one."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters for the password. Any words you like, spaces too."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters for the password."
    # Known passwords, names and runs of keys, however they are joined; no rule on what characters to use.
    # The beginning is enough to see it by, and keeps the work short; nor is a name worth more of it.
    known = [word[:80] for word in personal if word]
    if zxcvbn(password[:32], user_inputs=known)["score"] < 2:
        return "That password is one of the first anybody would try. Take one that is only yours."
    return None
