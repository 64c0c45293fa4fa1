"""A backup that was never restored is a hope. The proof restores one, counts it, checks it, and signs in to it."""

import re
from datetime import UTC, datetime
from secrets import token_urlsafe

from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.orm import Session

from portal.accounts import passwords
from portal.config import Settings
from portal.database import db as database
from portal.database.transactions import keep, let_go
from portal.operations import backup
from portal.operations.check import findings
from portal.operations.migrate import migrate
from portal.operations.models import Backup
from portal.operations.restore import check_whole, fill, scratch
from portal.operations.revision import HEAD
from portal.operations.start import reach
from portal.problems import Problem
from portal.setting_values import plain_url

SITE = "https://localhost"
SOMEBODY = """
select u.id, u.email from users u join credentials c on c.user_id = u.id
 where u.is_active and u.email_verified and not u.is_admin
   and not exists (select from second_factors s where s.user_id = u.id)
 order by u.created_at, u.id limit 1
"""


def prove(db: Session, settings: Settings) -> str:
    """Prove the newest backup and note the outcome; a sentence on it. Raises `Problem` if it did not come back whole."""
    made = db.scalar(select(Backup).where(Backup.deleted_at.is_(None)).order_by(Backup.made_at.desc()).limit(1))
    if made is None:
        raise Problem("There is no backup to prove.")
    db.expunge(made)
    let_go(db)
    try:
        outcome = _tried(settings, made)
    except Problem as broken:
        _note(db, made, proved=False, outcome=str(broken))
        keep(db)
        raise
    _note(db, made, proved=True, outcome=outcome)
    return outcome


def _note(db: Session, made: Backup, *, proved: bool, outcome: str) -> None:
    made.proved, made.proof, made.proved_at = proved, outcome, datetime.now(UTC)
    db.merge(made)


def _tried(settings: Settings, made: Backup) -> str:
    file = backup.folder_of(settings) / made.file
    check_whole(file)
    if backup.sha256(file) != made.sha256:
        raise Problem(f"{made.file} is not the file that was made: its checksum differs from the one noted.")
    with scratch(settings, "proof") as copy:
        with reach(plain_url(copy.owner_url)) as owner:
            fill(owner, plain_url(copy.owner_url), file)
        _compare(copy, made.row_counts)
        if made.revision != HEAD:
            migrate(copy, "head")
        if broken := broken_promises(copy, made.club_at, made.made_at):
            raise Problem(f"What came back from {made.file} breaks promises: {'; '.join(broken)}.")
        somebody = sign_in(copy)
    rows = sum(made.row_counts.values())
    signed_in = "somebody could sign in" if somebody else "there was nobody to sign in as"
    return f"{rows:,} rows in {len(made.row_counts)} tables came back, every promise is kept, and {signed_in}."


def _compare(copy: Settings, expected: dict[str, int]) -> None:
    with reach(plain_url(copy.backup_url)) as connection:
        came_back = backup.counts(connection)
    different = [
        f"{name} had {expected.get(name, 0):,} rows and has {came_back.get(name, 0):,}"
        for name in sorted(expected.keys() | came_back)
        if expected.get(name) != came_back.get(name)
    ]
    if different:
        raise Problem(f"Not everything came back: {'; '.join(different)}.")


def broken_promises(copy: Settings, club_at: datetime, now: datetime) -> list[str]:
    """What `portal check` finds broken in a database that nobody works on, at the moment it is of."""
    engine = create_engine(copy.worker_url, poolclass=NullPool)
    with Session(engine) as session:
        return [each.promise for each in findings(session, at_rest=True, club_at=club_at, now=now) if each.broken]


def sign_in(copy: Settings) -> bool:
    """Sign in to a copy by its pages, with a new password for somebody in it. False if nobody can. Raises `Problem`."""
    from portal import create_app

    password = token_urlsafe(24)
    with reach(plain_url(copy.owner_url)) as owner, owner.transaction():
        owner.execute("set local role portal_definer")
        somebody = owner.execute(SOMEBODY).fetchone()
        if somebody is None:
            return False
        person, email = somebody
        owner.execute(
            "update credentials set password_hash = %s where user_id = %s", [passwords.hashed(password), person]
        )
    app = create_app(copy)
    try:
        browser = app.test_client()
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in", base_url=SITE).text)
        form = {"csrf_token": token.group(1) if token else "", "email": email, "password": password}
        answer = browser.post("/sign-in", data=form, base_url=SITE, headers={"Referer": f"{SITE}/sign-in"})
        if answer.status_code != 303 or browser.get("/account", base_url=SITE).status_code != 200:
            raise Problem(f"Nobody could sign in to what came back: the answer was {answer.status_code}.")
    finally:
        with app.app_context():
            database.engine.dispose()
    return True
