"""How often somebody may try: counted in the database, so shared by all processes.

A try is counted before it is made, in a transaction of its own on the request's one connection: parallel tries are each
counted, also those that are refused. One that succeeded is given back, in the transaction of its success; so a limit for a
whole network counts failures only, and nobody's success clears the tries of somebody else.
"""

import hashlib
import ipaddress
from typing import NamedTuple

from flask import g, request
from sqlalchemy import text
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from portal.database import db
from portal.database.driver import Statement
from portal.database.identity import apart
from portal.database.query import Command


class Wait(NamedTuple):
    """How many seconds to wait; 0 for none."""

    wait: int


HIT = Statement(b"select auth.hit(%(bucket)s, %(allowed)s, %(seconds)s) as wait", Wait)
GIVE_BACK = Command(text("select auth.give_back(:bucket)"))
FORGET = Command(text("select auth.forget_hits(:bucket)"))


class TooOften(TooManyRequests):
    """One try too many, and of what."""

    def __init__(self, what: str, whose: str, wait: int) -> None:
        super().__init__(retry_after=wait)
        self.what, self.whose = what, whose


class Busy(ServiceUnavailable):
    """More at once than this process can do; nothing was tried."""

    def __init__(self) -> None:
        super().__init__(retry_after=5)


def wait_for(what: str, whose: str, allowed: int, seconds: int) -> int:
    """Count one try of `what` by `whose` (hashed); seconds to wait, or 0 if it may go on. Before anything is changed."""
    bucket = _bucket(what, whose)
    (row,) = apart(db.session(), HIT, bucket=bucket, allowed=allowed, seconds=seconds)
    g.setdefault("tries", []).append(bucket)
    return row.wait


def give_back(what: str, whose: str | None = None) -> None:
    """One try of `what` succeeded, so it was none. By network if not told whose, as in `limit`."""
    GIVE_BACK.do(db.session(), bucket=_bucket(what, whose or network()))


def give_all_back() -> None:
    """None of this request's tries was looked at."""
    for bucket in g.pop("tries", ()):
        GIVE_BACK.do(db.session(), bucket=bucket)


def forget(what: str, whose: str) -> None:
    """Whoever is kept out by tries has proved to be who they are by other means."""
    FORGET.do(db.session(), bucket=_bucket(what, whose))


def limit(what: str, allowed: int, seconds: int, whose: str | None = None) -> None:
    """Count one try and answer 429 with Retry-After when it was one too many. By network if not told whose."""
    whose = whose or network()
    wait = wait_for(what, whose, allowed, seconds)
    if wait:
        raise TooOften(what, whose, wait)


def origin() -> str | None:
    """The network address of a request, or None for what is none; some proxies write a port or a zone behind it."""
    address = (request.remote_addr or "").partition("%")[0]
    for text_ in (address, address.rpartition(":")[0].strip("[]")):
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
