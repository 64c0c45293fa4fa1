"""The demo's clock in the database, which decides by `club_now()`: it goes as far ahead as the portal's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.config import Settings
from portal.setting_values import plain_url

MOVE = text("select move_club_clock(:ahead)")


def move(db: Session, by: timedelta) -> None:
    """Let time pass for the portal, for the sandbox's Stripe and for the database; never backwards."""
    clock.move(by)
    db.execute(MOVE, {"ahead": clock.ahead()})


@contextmanager
def set_by(settings: Settings) -> Iterator[None]:
    """Says, as the owner, that this database is a demo's; inside, its clock stands where the portal's is made to stand."""
    with psycopg.connect(plain_url(settings.owner_url), autocommit=True) as owner:

        def stand_at(moment: datetime | None) -> None:
            owner.execute("update club_clock set stands_at = %s", [moment])

        owner.execute("update club_clock set is_sandbox = true, ahead = %s, stands_at = null", [clock.ahead()])
        with clock.followed_by(stand_at):
            yield
