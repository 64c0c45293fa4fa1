"""A typed link: what may be one, judged by its text alone. The portal never asks the network about it."""

import re
from urllib.parse import urlsplit

import idna

from portal.problems import Refused

MOST = 500
"""So many characters a link may have."""

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)
"""What a browser takes for the last part of an IPv4 address (WHATWG URL, "ends in a number")."""


class NotALink(Refused):
    """Enter the whole link, beginning with https://."""


class NotHttps(Refused):
    """The link has to begin with https://."""


class TooLong(Refused):
    """Use at most 500 characters here."""


class WithAName(Refused):
    """There is a name or password before an @ in this link. Leave that part out."""


class OurOwn(Refused):
    """This leads back to the portal. Enter the link of the room itself."""


class NoPublicHost(Refused):
    """This leads to one machine or network only. Enter a link that works for everybody."""


def checked(typed: str, own_host: str) -> str:
    """The link as it may be kept, `own_host` being the portal's own. Raises Refused with the sentence for the field."""
    if len(typed) > MOST:
        raise TooLong
    if not typed.lower().startswith("https:"):
        raise NotHttps if ":" in typed else NotALink
    # Browsers read a backslash as a slash and leave out tabs and line breaks: what they see would not be what we see.
    if not typed.lower().startswith("https://") or "\\" in typed or not typed.isprintable() or " " in typed:
        raise NotALink
    try:
        parts = urlsplit(typed)
        _port = parts.port
    except ValueError as error:
        raise NotALink from error
    if "@" in parts.netloc:
        raise WithAName
    if "[" in parts.netloc:  # an IPv6 address, or one of a version that is still to come
        raise NoPublicHost
    host = _name(parts.hostname or "")
    if host == own_host.lower().rstrip("."):
        raise OurOwn
    return typed


def _name(host: str) -> str:
    """The name of a host as browsers look it up. Raises Refused for one that is none, or that others do not reach."""
    try:
        name = idna.encode(host, uts46=True).decode().lower().rstrip(".")
    except idna.IDNAError as error:
        raise NotALink from error
    last = name.rpartition(".")[2]
    if _NUMBER.fullmatch(last) or last == "localhost" or "." not in name:
        raise NoPublicHost
    return name
