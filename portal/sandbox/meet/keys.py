"""A service account of the demo: its key file, and the tokens the stand-in gives for what is signed with it.

The assertion is a JWT (RFC 7523), as https://developers.google.com/identity/protocols/oauth2/service-account describes.
"""

import base64
import json
import secrets
import time
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from portal.sandbox.meet.problems import Json, TokenError

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""For whom assertions are, wherever they are sent: google-auth signs for the real endpoint whatever a key file says."""
LIFE = 3600
SKEW = 300
EMAIL = "portal@goalete-demo.iam.gserviceaccount.com"
CLIENT_ID = "100000000000000000042"


def write_key(path: Path) -> None:
    """Make a service account's key file as the Google Cloud console gives it, readable by its owner only; kept if there."""
    if path.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    body = {
        "type": "service_account",
        "project_id": "goalete-demo",
        "private_key_id": secrets.token_hex(20),
        "private_key": pem,
        "client_email": EMAIL,
        "client_id": CLIENT_ID,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": AUDIENCE,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{EMAIL.replace('@', '%40')}",
        "universe_domain": "googleapis.com",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(body, indent=2))


def claims(assertion: str, key_file: Path) -> Json:
    """What a signed assertion claims. Raises TokenError for another key, audience, issuer or time."""
    account = json.loads(key_file.read_text())
    key = cast(rsa.RSAPrivateKey, load_pem_private_key(account["private_key"].encode(), None))
    try:
        head, body, signature = assertion.split(".")
        header, claimed = json.loads(_bytes(head)), json.loads(_bytes(body))
        key.public_key().verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature) as wrong:
        raise TokenError("invalid_grant", "Invalid JWT Signature.") from wrong
    if header.get("alg") != "RS256" or header.get("kid") != account["private_key_id"]:
        raise TokenError("invalid_grant", "Invalid JWT Signature.")
    if claimed.get("iss") != account["client_email"]:
        raise TokenError("invalid_grant", "Invalid grant: account not found")
    if claimed.get("aud") != AUDIENCE:
        raise TokenError("invalid_grant", "Invalid JWT: Failed audience check.")
    now, issued, expires = time.time(), claimed.get("iat", 0), claimed.get("exp", 0)
    if not (issued - SKEW <= now <= expires + SKEW and 0 < expires - issued <= LIFE):
        raise TokenError(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim.",
        )
    return dict(claimed)


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
