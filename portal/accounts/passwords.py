"""Passwords: Argon2id, at least twelve characters, none of the first to be guessed; any characters, used as typed."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

SHORTEST, LONGEST = 12, 256

_hasher = PasswordHasher()
# Recovery codes are chance, not choice: fifty-five bits of it need less work than a password, and come in tens.
_code_hasher = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)


@cache
def _decoy() -> str:
    return _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """The Argon2id hash to keep, at the package's current settings."""
    return _hasher.hash(password)


def hashed_code(code: str) -> str:
    """The Argon2id hash of a random code."""
    return _code_hasher.hash(code)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one hashed. Without a hash the same work is done, and the answer is no."""
    try:
        return _hasher.verify(password_hash or _decoy(), password) and bool(password_hash)
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
