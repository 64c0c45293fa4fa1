"""The rehearsal from outside: the copy, the process that runs the month in it, and the report that is kept.

Reports lie beside the backups, since they name people as the backups do; the newest few are kept, to be compared with.
"""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import sql
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.config import PACKAGE, SANDBOX_KEY, VERSION, Settings, declared
from portal.database.transactions import let_go
from portal.operations import backup
from portal.operations.migrate import migrate
from portal.operations.models import Backup
from portal.operations.restore import check_whole, close_again, fill, scratch
from portal.operations.revision import HEAD
from portal.operations.start import reach
from portal.problems import Problem
from portal.rehearsal import report
from portal.setting_values import plain_url

MOST_DAYS = 366
KEPT = 6
"""So many reports are kept."""
NOWHERE = "https://rehearsal.test"
"""The portal's address in a rehearsal (RFC 2606: nobody ever has it)."""

# What a club goes by. No address, no key and no password is among them; all else a rehearsal needs is made up.
RULES = (
    "club_address",
    "club_tax_id",
    "club_name",
    "club_timezone",
    "club_domains",
    "default_meeting_time",
    "doors_minutes",
    "invite_days",
    "welcome_days",
    "grace_days",
    "membership",
    "payment_instructions",
    "prices_include_tax",
    "currency",
    "individual_name",
    "family_name",
    "individual_month",
    "individual_year",
    "family_month",
    "family_year",
    "stripe_promotion_codes",
    "stripe_tax",
    "assets",
)


def rehearse(
    db: Session, settings: Settings, days: int, file: str | None = None, say: Callable[[str], object] = print
) -> report.Report:
    """Run `days` from the newest backup, or from the one called `file`; the report, which is kept. Raises `Problem`."""
    if not 1 <= days <= MOST_DAYS:
        raise Problem(f"A rehearsal is of 1 to {MOST_DAYS} days.")
    folder = backup.folder_of(settings)
    made = db.scalar(
        select(Backup)
        .where(Backup.deleted_at.is_(None), Backup.file == file if file else Backup.file.is_not(None))
        .order_by(Backup.made_at.desc())
        .limit(1)
    )
    if made is None:
        raise Problem(
            f"There is no backup {file} to rehearse from." if file else "There is no backup to rehearse from."
        )
    db.expunge(made)
    let_go(db)
    check_whole(folder / made.file)
    began = time.monotonic()
    with scratch(settings, "rehearse") as copy:
        _restore(copy, folder / made.file)
        say(f"Restored {made.file}; {days} days begin.")
        happened = _run(copy, {"club_at": made.club_at, "made_at": made.made_at, "days": days})
    found = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_seconds": round(time.monotonic() - began),
        "version": VERSION,
        "revision": HEAD,
        "backup": made.file,
        "days": days,
        **happened,
    }
    found["differences"] = report.differences(report.before(folder, found), found)
    report.keep(folder, found, KEPT)
    return found


def _restore(copy: Settings, file: Path) -> None:
    with reach(plain_url(copy.owner_url)) as owner:
        # If the machine stops, the copy is made anew: nobody waits for a disk.
        name = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("alter database {} set synchronous_commit = off").format(name))
        fill(owner, plain_url(copy.owner_url), file)
    migrate(copy, "head")
    close_again(copy, file)


def _run(copy: Settings, start: dict[str, Any]) -> dict[str, Any]:  # JSON
    done = subprocess.run(
        [sys.executable, "-m", "portal.rehearsal"],
        input=json.dumps(start, default=datetime.isoformat),
        env=environment(copy),
        cwd=PACKAGE.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Problem("The rehearsal did not come to its end; the lines above say why.")
    happened: dict[str, Any] = json.loads(done.stdout)
    return happened


def environment(copy: Settings) -> dict[str, str]:
    """All that the process of a rehearsal is told: the copy's logins, the club's rules, and keys of its own.

    Whether there is a Stripe, a Zoom or a Google Meet is told by made-up names: what stands for them is in the process.
    """
    told = {
        "PYTHONUTF8": "1",
        "DATABASE_URL": copy.database_url,
        "WORKER_DATABASE_URL": copy.worker_url,
        "OWNER_DATABASE_URL": copy.owner_url,
        **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "ADDRESS_KEY", "ROOM_KEY")},
        "PUBLIC_URL": NOWHERE,
        "MAIL_FROM": "rehearsal@rehearsal.test",
        "HELP_EMAIL": "help@rehearsal.test",
    }
    names = declared()
    defaults = Settings()
    for attribute in RULES:
        value = getattr(copy, attribute)
        if value != getattr(defaults, attribute):
            told[names[attribute].name] = _typed(value)
    if copy.takes_cards:
        told |= {
            "STRIPE_SECRET_KEY": SANDBOX_KEY,
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
            "STRIPE_URL": "https://stripe.rehearsal.test",
        }
    if copy.has_zoom:
        made_up = ("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "ZOOM_WEBHOOK_SECRET")
        told |= dict.fromkeys(made_up, "rehearsal")
    if copy.has_google:
        told |= {"GOOGLE_ORGANIZER": "rooms@rehearsal.test", "GOOGLE_SERVICE_ACCOUNT": "/rehearsal.test"}
    return told


def _typed(value: object) -> str:
    """A setting's value as an environment has it."""
    match value:
        case bool():
            return "1" if value else "0"
        case time_of_day():
            return value.isoformat("minutes")
        case tuple():
            return " ".join(value)
        case Decimal():
            return format(value, "f")
    return str(value)
