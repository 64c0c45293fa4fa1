"""Sentences with a number or a list in them, in the shapes of gettext and Babel: both forms stand whole at their use."""

from collections.abc import Sequence

from markupsafe import Markup


def ngettext(singular: str, plural: str, num: int, **fields: object) -> str:
    """The sentence for so many, as Flask-Babel's function of this name: `%(num)s` is the number (12,000), the other fields
    are named in the sentence alike.
    """
    return (singular if num == 1 else plural) % {"num": f"{num:,}", **fields}


def ngettext_markup(singular: str, plural: str, num: int, **fields: object) -> Markup:
    """The same for templates, where it is called ngettext: the sentence may have tags in it, and its fields are escaped."""
    return Markup(ngettext(Markup(singular), Markup(plural), num, **fields))  # noqa: S704 - the template's own text


def listed(names: Sequence[str]) -> str:
    """Names in one row: Ann, Ann and Bo, Ann, Bo and Cy; empty for none."""
    *others, last = names or ("",)
    return f"{', '.join(others)} and {last}" if others else last
