"""What browsers load for the club's own look: the colours of its buttons, and the picture on its front page.

Both addresses change with what is behind them, so browsers keep them for ever. The colours are in the address itself and
are judged again here: whichever process answers, and whether or not it knows yet what the admin chose, the rules are the same.
"""

import re
from typing import NamedTuple

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.access import public
from portal.club import colours
from portal.database.query import Query
from portal.web import find

bp = Blueprint("club", __name__, url_prefix="/club")

FOR_EVER = "public, max-age=31536000, immutable"
OWN = "own"
"""Stands for a colour the club leaves as the portal has it."""


class Shown(NamedTuple):
    """A picture as it is sent."""

    media_type: str
    content: bytes


PICTURE = Query(Shown, text("select media_type, content from club_pictures where digest = :digest"))


@bp.get("/accents/<accents>.css")
@public
def accents(accents: str) -> ResponseReturnValue:
    """The rules for two colours, like `174ea6-own`; a pair that the contrast rules refuse is a 404."""
    parts = accents.split("-")
    if len(parts) != 2:
        abort(404)
    chosen = ["" if part == OWN else part for part in parts]
    for colour, theme in zip(chosen, (colours.LIGHT, colours.DARK), strict=True):
        if colour and (colours.hex_digits(colour) != colour or colours.refusal(colour, theme)):
            abort(404)
    return Response(colours.stylesheet(*chosen), mimetype="text/css", headers={"Cache-Control": FOR_EVER})


@bp.get("/pictures/<digest>")
@public
def picture(digest: str) -> ResponseReturnValue:
    """The picture of that SHA-256."""
    if not re.fullmatch("[0-9a-f]{64}", digest):
        abort(404)
    shown = find(PICTURE, digest=digest)
    return Response(shown.content, mimetype=shown.media_type, headers={"Cache-Control": FOR_EVER})
