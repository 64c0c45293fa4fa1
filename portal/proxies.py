"""Who asks, when proxies stand in front: read from `Forwarded` (RFC 7239) and from no other header.

WSGI cannot tell `X-Forwarded-For` from `X_Forwarded_For`: both are HTTP_X_FORWARDED_FOR, the later one wins, and some
proxies set the one and pass on the other. The name `Forwarded` can be written in one way only. Each proxy adds an element
at the end, so with N trusted ones the Nth from the end was written by the outermost of them; what stands before it is the
sender's own.
"""

import ipaddress
import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

LONGEST = 4000
"""Characters of a header that is read at all."""

# A pair is name=token or name="text", where the text may hold \" and \\; pairs are parted by ;, elements by a comma.
_PAIR = re.compile(r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&\'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*')
_HOST = re.compile(r"[0-9A-Za-z.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_PORT = re.compile(r":(\d{1,5}|_[0-9A-Za-z._-]+)$")


def elements(header: str) -> list[dict[str, str]] | None:
    """What each proxy said, by name in lower case, the outermost first. None for a header that is not as RFC 7239 has it."""
    found: list[dict[str, str]] = [{}]
    at = 0
    while pair := _PAIR.match(header, at):
        name, token, text = pair[1].lower(), pair[2], pair[3]
        if name in found[-1]:
            return None
        found[-1][name] = token if token is not None else re.sub(r"\\(.)", r"\1", text)
        at = pair.end()
        if at == len(header):
            return found
        if header[at] == ",":
            found.append({})
        elif header[at] != ";":
            return None
        at += 1
    return None


def address(node: str) -> str | None:
    """The network address in `for=`, without port and brackets; None for `unknown` and for names a proxy made up."""
    node = _PORT.sub("", node) if node.startswith("[") or node.count(":") == 1 else node
    bracketed = node.startswith("[") and node.endswith("]")
    try:
        found = ipaddress.ip_address(node[1:-1] if bracketed else node)
    except ValueError:
        return None
    return str(found) if (found.version == 6) == bracketed and "%" not in node else None


class Forwarded:
    """A WSGI application that believes `hops` proxies: REMOTE_ADDR, scheme and host are those the outermost one saw."""

    def __init__(self, application: "WSGIApplication", hops: int) -> None:
        self._application, self._hops, self._told = application, hops, False

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """As it is without the header: the proxy itself is then who asks."""
        header = environ.get("HTTP_FORWARDED", "")
        forwarded = elements(header) if 0 < len(header) <= LONGEST else None
        if forwarded and len(forwarded) >= self._hops:
            self._believe(environ, forwarded[-self._hops])
        elif not self._told:
            self._told = True
            logger.warning(
                "TRUSTED_PROXIES is %s, but a request came without a Forwarded header of so many proxies, so its sender"
                " is taken for the proxy itself; docs/examples shows what a proxy has to set.",
                self._hops,
            )
        return self._application(environ, start_response)

    def _believe(self, environ: "WSGIEnvironment", forwarded: dict[str, str]) -> None:
        if who := address(forwarded.get("for", "")):
            environ["REMOTE_ADDR"] = who
        if forwarded.get("proto") in ("http", "https"):
            environ["wsgi.url_scheme"] = forwarded["proto"]
        if _HOST.fullmatch(forwarded.get("host", "")):
            environ["HTTP_HOST"] = forwarded["host"]
