"""How often somebody may try: counted in the database, so shared by all processes, in a transaction of its own."""

import hashlib
import ipaddress

from flask import request
from sqlalchemy import text
from werkzeug.exceptions import TooManyRequests

from portal.database import db

HIT = text("select auth.hit(:bucket, :allowed, :seconds)")
FORGET = text("select auth.forget_hits(:bucket)")


class TooOften(TooManyRequests):
    """One try too many, and of what."""

    def __init__(self, what: str, whose: str, wait: int) -> None:
        super().__init__(retry_after=wait)
        self.what, self.whose = what, whose


def wait_for(what: str, whose: str, allowed: int, seconds: int) -> int:
    """Count one try of `what` by `whose` (hashed); seconds to wait, or 0 if it may go on."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        row = connection.execute(HIT, {"bucket": _bucket(what, whose), "allowed": allowed, "seconds": seconds})
        return int(row.scalar_one())


def forget(what: str, whose: str) -> None:
    """A success clears the tries before it."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(FORGET, {"bucket": _bucket(what, whose)})


def limit(what: str, allowed: int, seconds: int, whose: str | None = None) -> None:
    """Count one try and answer 429 with Retry-After when it was one too many. By network if not told whose."""
    whose = whose or network()
    wait = wait_for(what, whose, allowed, seconds)
    if wait:
        raise TooOften(what, whose, wait)


def origin() -> str | None:
    """The network address of a request, or None for what is none; some proxies write a port or a zone behind it."""
    said = (request.remote_addr or "").partition("%")[0]
    for text_ in (said, said.rpartition(":")[0].strip("[]")):
        try:
            return str(ipaddress.ip_address(text_))
        except ValueError:
            continue
    return None


def network() -> str:
    """Where a request comes from, as coarse as one household or office: an IPv4 address, an IPv6 /64."""
    address = origin()
    if address is None:
        return "local"
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _bucket(what: str, whose: str) -> str:
    return f"{what}:{hashlib.sha256(whose.lower().encode()).hexdigest()[:32]}"
