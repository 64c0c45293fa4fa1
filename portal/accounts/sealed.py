"""Secrets that have to be read again are kept sealed, with a key made from SECRET_KEY: a copy of the database opens none.

Older keys (SECRET_KEY_FALLBACKS) still open what they sealed, and what they sealed is sealed anew when it is used.
"""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

_PURPOSE = b"second factors"


def seal(secret: str) -> str:
    """The secret, encrypted: the form in which the database may store it."""
    return _keys()[0].encrypt(secret.encode()).decode()


def unseal(kept: str) -> str | None:
    """The secret again; None when no key we have sealed it, which is the operator's to know."""
    try:
        return MultiFernet(_keys()).decrypt(kept.encode()).decode()
    except InvalidToken:
        current_app.logger.error("something was sealed with a key that is not in SECRET_KEY_FALLBACKS")
        return None


def outdated(kept: str) -> bool:
    """Whether an older key sealed it."""
    try:
        _keys()[0].decrypt(kept.encode())
    except InvalidToken:
        return True
    return False


def _keys() -> list[Fernet]:
    settings = current_app.config["SETTINGS"]
    return [
        Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), _PURPOSE, "sha256")))
        for secret in (settings.secret_key, *reversed(settings.secret_key_fallbacks))
    ]
