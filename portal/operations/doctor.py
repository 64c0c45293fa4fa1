"""`portal doctor`: the club tried from outside in, part after part; for each a sentence, and where it is not well a remedy.

Nothing is changed but what the round trips are for: a mail to the operator (`mail_to`) and one to our own inbox, and one
signed event of a kind the portal takes no notice of. A part that was given no setting is left out, or told as not looked at.
"""

import hmac
import json
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from datetime import time as datetime_time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import requests

from portal import club
from portal.billing import plans
from portal.billing.provider import ProviderDown, asking, current_price
from portal.config import LOGINS, VERSION, Settings, declared
from portal.database import roles
from portal.operations import doctor_mail
from portal.operations.backup import TOO_OLD
from portal.operations.finding import NOT_GIVEN, Finding
from portal.operations.revision import HEAD, serves
from portal.operations.start import reach, refuse_version
from portal.operations.stripe import what_stripe_said
from portal.problems import Problem
from portal.rooms import platforms
from portal.setting_values import plain_url

PATIENCE = 10
"""Seconds a part may take to answer."""
LITTLE = 2 * 2**30
"""Bytes that ought to be free on a disk."""
SKEW = 2.0
"""Seconds two clocks may differ."""
EXPIRES = 14
"""Days a certificate should be good for."""


def examine(settings: Settings, mail_to: str | None = None) -> Iterator[Finding]:
    """Try everything that `settings` name, one part after the other. Within an app context, for Stripe's sake."""
    for part, look in PARTS.items():
        yield from _tried(part, look, settings)
    yield from _tried("Mail", lambda known: doctor_mail.mail_server(known, mail_to), settings)
    yield from _tried("Inbox", doctor_mail.mailbox, settings)


def _tried(part: str, look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    """What is wrong with a part never keeps the others from being looked at."""
    try:
        yield from look(settings)
    except Problem as problem:
        yield Finding(part, False, str(problem))
    except Exception as error:  # a doctor does not die of the illness
        yield Finding(
            part, False, f"It failed in a way nobody thought of: {type(error).__name__}: {error}".splitlines()[0]
        )


def _settings(settings: Settings) -> Iterator[Finding]:
    for warning in settings.warnings:
        yield Finding("Settings", None, warning)
    if settings.public_url.startswith("https://") and not settings.trusted_proxies and settings.database_url:
        yield Finding(
            "Settings",
            None,
            "TRUSTED_PROXIES is 0, though PUBLIC_URL is https: everybody seems to come from the proxy's address.",
            "Set TRUSTED_PROXIES to the number of proxies that add to Forwarded.",
        )


def _logins(settings: Settings) -> Iterator[Finding]:
    urls = {
        "DATABASE_URL": settings.database_url,
        "WORKER_DATABASE_URL": settings.worker_url,
        "OWNER_DATABASE_URL": settings.owner_url,
        "BACKUP_DATABASE_URL": settings.backup_url,
    }
    for name, url in urls.items():
        if not url:
            yield Finding("Database", None, f"{name} was not given, so {LOGINS[name]} was not tried.", NOT_GIVEN)
            continue
        with reach(plain_url(url)) as connection:
            refuse_version(connection)
            roles.refuse_other(connection, LOGINS[name])
            if name in ("DATABASE_URL", "WORKER_DATABASE_URL"):
                roles.refuse_bypass(connection)
        yield Finding("Database", True, f"{LOGINS[name]} signs in, with its own rights and no more.")


def _tables(settings: Settings) -> Iterator[Finding]:
    url = settings.worker_url or settings.database_url
    with reach(plain_url(url)) as connection:
        try:
            (revision,) = connection.execute("select version_num from alembic_version").fetchone() or ("none",)
        except psycopg.errors.UndefinedTable:
            yield Finding("Tables", False, "There are none yet.", "portal migrate")
            return
        if serves(revision):
            yield Finding("Tables", True, f"They are at {revision}, this is version {VERSION}.")
            yield from _club(connection, settings)
        else:
            yield Finding("Tables", False, f"They are at {revision}, the code is for {HEAD}.", "portal upgrade")
        yield from _clock(connection)
        yield from _worker(connection)
        if settings.worker_url:
            yield from _backups(connection, settings)


def _club(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    """Each setting of the environment that the club's own page went another way from; what stands there holds."""
    for attribute, (here, there) in club.differences(connection, settings).items():
        name = declared()[attribute].name
        if name in os.environ:  # else it is only the default
            words = (
                f"{name} is {_plain(here)} in the environment; what holds is {_plain(there)}, as /admin/club has it."
            )
            yield Finding("Club", None, words, f"Take {name} out of the environment.")


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "empty"
    return f"{value:%H:%M}" if isinstance(value, datetime_time) else str(value) or "empty"


def _clock(connection: psycopg.Connection) -> Iterator[Finding]:
    (theirs,) = connection.execute("select extract(epoch from clock_timestamp())").fetchone() or (0,)
    apart = abs(float(theirs) - time.time())
    if apart > SKEW:
        words = f"This machine's clock and the database's are {apart:.0f} seconds apart."
        yield Finding("Clock", False, words, "Have both kept by NTP (apt-get install chrony).")
    else:
        yield Finding("Clock", True, "This machine and the database have the same time.")


def _worker(connection: psycopg.Connection) -> Iterator[Finding]:
    (heard,) = connection.execute("select worker_heartbeat() > now() - interval '1 minute'").fetchone() or (None,)
    if heard:
        yield Finding("Worker", True, "It was heard from within a minute.")
    else:
        yield Finding("Worker", False, "It was not heard from for over a minute.", "systemctl start goalete-worker")


def _backups(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    newest = connection.execute("select max(made_at) from backups where deleted_at is null").fetchone()
    made_at = newest[0] if newest else None
    if settings.backups is None:
        yield Finding("Backups", False, "None are made.", "Set BACKUPS to a folder on another disk.")
    elif made_at is None:
        yield Finding(
            "Backups", False, "There is none yet.", "portal backup, and systemctl enable --now goalete-backup.timer"
        )
    elif datetime.now(UTC) - made_at > TOO_OLD:
        yield Finding(
            "Backups", False, f"The newest is of {made_at:%Y-%m-%d %H:%M} UTC.", "journalctl -u goalete-backup"
        )
    else:
        yield Finding("Backups", True, f"The newest is of {made_at:%Y-%m-%d %H:%M} UTC.")


def _disk(settings: Settings) -> Iterator[Finding]:
    for place in {settings.assets, *([settings.backups] if settings.backups else [])}:
        there = next((folder for folder in (place, *place.parents) if folder.exists()), Path("/"))
        free = shutil.disk_usage(there).free
        words = f"{free / 2**30:.1f} GB are free where {place} is."
        yield Finding("Disk", free > LITTLE, words, "" if free > LITTLE else "Make room, or move it to another disk.")


def _address(settings: Settings) -> Iterator[Finding]:
    answer = _get(f"{settings.public_url}/healthz")
    said = answer.text.strip()
    if answer.status_code != 200 or not said.startswith("alive"):
        yield Finding(
            "Address",
            False,
            f"{settings.public_url}/healthz answers {answer.status_code}.",
            "Is the proxy's way to port 8000 right?",
        )
        return
    if said.endswith(f"version {VERSION}"):
        yield Finding("Address", True, f"{settings.public_url} answers, and is version {VERSION}.")
    else:
        words = f"{settings.public_url} answers as another version than {VERSION}: {said[:60]}"
        yield Finding("Address", False, words, "systemctl reload goalete-web")
    yield from _certificate(settings)
    if "content-encoding" not in _get(f"{settings.public_url}/plans").headers:
        yield Finding(
            "Address", None, "Pages are not compressed.", "Let the proxy compress text/html, as the example does."
        )


def _certificate(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https" or parts.hostname is None:
        return
    context = ssl.create_default_context()
    with (
        socket.create_connection((parts.hostname, parts.port or 443), PATIENCE) as line,
        context.wrap_socket(line, server_hostname=parts.hostname) as secured,
    ):
        certificate = secured.getpeercert() or {}
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((until - time.time()) // 86400)
    yield Finding(
        "TLS", days > EXPIRES, f"The certificate is good for {days} more days.", "" if days > EXPIRES else "Renew it."
    )


def _streams(settings: Settings) -> Iterator[Finding]:
    answer = _get(f"{settings.public_url}/live/healthz")
    if answer.status_code == 200:
        yield Finding("Live", True, "Streams are served, and changes are heard.")
    else:
        words = f"{settings.public_url}/live/healthz answers {answer.status_code}: pages do not change by themselves."
        yield Finding("Live", False, words, "Is goalete-live running, and does the proxy send /live/ to it?")


def _stripe(settings: Settings) -> Iterator[Finding]:
    if not settings.takes_cards:
        yield Finding("Stripe", True, "No cards are taken.")
        return
    where = settings.stripe_url or "Stripe"
    try:
        with asking() as ask:
            missing = [
                f"{plan.name} {cycle}"
                for plan in plans().values()
                for cycle in ("monthly", "yearly")
                if current_price(ask, plan, cycle) is None
            ]
    except ProviderDown as down:
        yield Finding("Stripe", False, what_stripe_said(down.__cause__, settings))
        return
    if missing:
        yield Finding("Stripe", False, f"{where} lacks the prices of {', '.join(missing)}.", "portal plans sync")
    else:
        yield Finding("Stripe", True, f"{where} takes the key and has every price.")
    if settings.stripe_webhook_secret:
        yield from _webhook(settings)
    else:
        yield Finding("Stripe", None, "STRIPE_WEBHOOK_SECRET was not given, so no delivery was tried.", NOT_GIVEN)


def _webhook(settings: Settings) -> Iterator[Finding]:
    """One event as Stripe would deliver it, signed with our secret: of a kind that means nothing."""
    at = int(time.time())
    event = {
        "id": f"evt_doctor_{at}",
        "object": "event",
        "type": "portal.doctor",
        "created": at,
        "data": {"object": {"object": "doctor"}},
    }
    body = json.dumps(event)
    # As Stripe signs (docs.stripe.com/webhooks/signature, "Verify manually").
    signature = hmac.new(settings.stripe_webhook_secret.encode(), f"{at}.{body}".encode(), "sha256").hexdigest()
    answer = requests.post(
        f"{settings.public_url}/webhooks/stripe",
        data=body,
        headers={"Stripe-Signature": f"t={at},v1={signature}", "Content-Type": "application/json"},
        timeout=PATIENCE,
    )
    if answer.status_code == 200:
        yield Finding(
            "Stripe", True, "A signed delivery reaches the portal. That Stripe sends them only its dashboard can say."
        )
    else:
        words = f"A signed delivery was answered with {answer.status_code}."
        yield Finding("Stripe", False, words, "Has the web process the same STRIPE_WEBHOOK_SECRET?")


def _rooms(settings: Settings) -> Iterator[Finding]:
    results = platforms.check(settings)
    if not results:
        yield Finding("Rooms", True, "Links are typed: neither Zoom nor Google Meet is connected.")
    for name, missing in results:
        if not missing:
            yield Finding("Rooms", True, f"{name}: everything is there.")
        for sentence in missing:
            yield Finding("Rooms", False, f"{name}: {sentence}")


def _get(url: str) -> requests.Response:
    try:
        return requests.get(url, timeout=PATIENCE, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        raise Problem(f"{url} has no certificate this machine trusts.") from error
    except requests.RequestException as error:
        raise Problem(f"{url} cannot be reached from this machine.") from error


PARTS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "Settings": _settings,
    "Database": _logins,
    "Tables": _tables,
    "Disk": _disk,
    "Address": _address,
    "Live": _streams,
    "Stripe": _stripe,
    "Rooms": _rooms,
}
