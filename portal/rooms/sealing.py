"""Rooms' addresses are kept sealed under ROOM_KEY: a copy of the database opens no door."""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken

_PURPOSE = b"room addresses"


def seal(address: str, key: str) -> str:
    """The address as the database may keep it; `key` is the setting ROOM_KEY."""
    return _fernet(key).encrypt(address.encode()).decode()


def unseal(kept: str, key: str) -> str | None:
    """The address again; None when another key sealed it."""
    try:
        return _fernet(key).decrypt(kept.encode()).decode()
    except InvalidToken:
        return None


def _fernet(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(key.encode(), _PURPOSE, "sha256")))
