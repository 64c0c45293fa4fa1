"""What the doctor found."""

from typing import NamedTuple

NOT_GIVEN = "The command portal doctor tries it, on the server and with the settings of all processes."
"""The remedy for a part that this process was given no setting of."""


class Finding(NamedTuple):
    """A part of the club; `well` None: it could not be looked at, or something about it should be known."""

    part: str
    well: bool | None
    words: str
    remedy: str = ""
