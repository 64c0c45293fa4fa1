"""What people write, brought into one of Unicode's forms, so that what looks the same is the same."""

import unicodedata
from typing import Literal

MARKS = 30
"""Marks that may follow each other on one letter: no writing has more (UAX #15, Stream-Safe Text Format)."""


def in_form(form: Literal["NFC", "NFD", "NFKC"], text: str) -> str:
    """`text` in that form; left as it came where more marks than any writing has follow each other.

    Bringing marks in order takes the square of their number, in one step that holds the whole process.
    """
    if text.isascii():
        return text
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character).startswith("M") else 0
        if run > MARKS:
            return text
    return unicodedata.normalize(form, text)
