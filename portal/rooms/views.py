"""Zoom's knock: read the raw body, check its signature, note what it says once, wake a job. Nothing else, for Zoom waits
three seconds.

Signature and challenge are those of https://developers.zoom.us/docs/api/webhooks/. Zoom gives up on an address after
some failures, so all that is truly from it is answered with 200, also what means nothing here: that is not kept, since
nobody would read it and most of it is about people.
"""

import hmac
import json
import re
import time
from typing import Any

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from werkzeug.exceptions import RequestEntityTooLarge

from portal import audit, limits
from portal.access import public
from portal.csrf import for_machines
from portal.database import db
from portal.rooms import events
from portal.rooms.zoom import KINDS, Zoom
from portal.rooms.zoom_client import Body

bp = Blueprint("rooms", __name__)

NOTE = text("select note_room_event(:id, 'zoom', :kind, :room, cast(:body as jsonb), :occurred)")
TOLERANCE = 300  # seconds a signature stays good
LARGEST = 256 * 1024
LONGEST = 255  # characters of a name
CHALLENGE = re.compile(r"[\w-]{1,128}", re.ASCII)  # no colon: what is signed for it is never an event's signature
WRONG = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    OSError,
    RecursionError,
    RequestEntityTooLarge,
)


class ForgedError(ValueError):
    """Not signed by Zoom, or too long ago."""


@bp.post("/webhooks/zoom")
@public
@for_machines
def hear() -> ResponseReturnValue:
    """Take one delivery. 200 for every true one, however often it comes; 400 for anything else, noted as security once in
    a quarter of an hour for each network, and 429 for whoever comes with such again and again; 404 where no Zoom is.
    """
    secret = current_app.config["SETTINGS"].zoom_webhook_secret
    if not secret:
        abort(404)
    try:
        body = _read(secret)
        if body["event"] == "endpoint.url_validation":
            return _answer_to(body["payload"]["plainToken"], secret)
        note = _note(body)
    except WRONG as error:
        limits.limit("delivery", allowed=20, seconds=900)
        if not limits.wait_for("delivery-noted", limits.network(), allowed=1, seconds=900):
            words = f"A delivery was refused: {type(error).__name__}"
            audit.record(db.session(), "provider.refused", words, category="security", level="warn")
        return "", 400
    if note and db.session.execute(NOTE, note).scalar():
        events.told.publish(db.session(), event_id=note["id"])
    return "", 200


def _read(secret: str) -> Body:
    """The message. Raises whatever is wrong with it."""
    request.max_content_length = LARGEST
    raw = request.get_data(cache=False)
    at = request.headers.get("x-zm-request-timestamp", "")
    if not at.isascii() or not at.isdecimal() or abs(time.time() - int(at)) > TOLERANCE:
        raise ForgedError
    expected = "v0=" + _digest(f"v0:{at}:".encode() + raw, secret)
    signature = request.headers.get("x-zm-signature", "")
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise ForgedError
    found = _writable(json.loads(raw.decode()))
    if not isinstance(found, dict) or not isinstance(found.get("event"), str):
        raise ValueError("a message without its event")
    return found


def _writable(value: Any) -> Any:
    """The same without what the database cannot keep, NUL and halves of characters: people call themselves anything, and
    Zoom cuts names.
    """
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_writable(one) for one in value]
    if isinstance(value, dict):
        return {_writable(name): _writable(one) for name, one in value.items()}
    return value


def _answer_to(token: str, secret: str) -> ResponseReturnValue:
    """Zoom asks, at first and every three days, whether this address knows the secret."""
    if not CHALLENGE.fullmatch(token):
        raise ValueError("a challenge of another kind")
    return {"plainToken": token, "encryptedToken": _digest(token.encode(), secret)}


def _note(body: Body) -> Body | None:
    """The row of one message: its identity, what it is about, and of its words what is needed; None for no row."""
    if body["event"] not in KINDS:
        return None
    event, instance = Zoom.event(body), body["payload"]["object"]["uuid"]
    if not all(0 < len(name) <= LONGEST for name in (event.provider_id, instance)):
        raise ValueError("a message without its names")
    return {
        "id": event.event_id,
        "kind": event.kind,
        "room": event.provider_id,
        "body": json.dumps(Zoom.kept(body), ensure_ascii=False, allow_nan=False),
        "occurred": event.occurred_at,
    }


def _digest(message: bytes, secret: str) -> str:
    return hmac.digest(secret.encode(), message, "sha256").hex()
