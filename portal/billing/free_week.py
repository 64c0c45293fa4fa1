"""The end of the free first days, for the pages of somebody who has nothing else: one calm line, and the way to the plans."""

from datetime import datetime, timedelta
from typing import NamedTuple

from flask_login import current_user
from sqlalchemy import text

from portal import clock
from portal.database import db
from portal.database.query import Query
from portal.times import day_long
from portal.viewer import viewer

LONGEST = timedelta(days=31)


class FreeDays(NamedTuple):
    """Until when the free days last."""

    ends_at: datetime


ENDS = Query(
    FreeDays, text("select ends_at from access_grants where user_id = (select auth.uid()) and kind = 'welcome'")
)


def free_week() -> str:
    """The day on which the viewer's access ends with the free days, in words; empty if it does not.

    Asked only of who may be in them: what renews or is kept after a failed payment counts longer than it promises.
    """
    until = current_user.access_until
    if not current_user.entitled or until != current_user.paid_until or until > clock.now() + LONGEST:
        return ""
    row = ENDS.one_or_none(db.session())
    return day_long(until.astimezone(viewer().tz)) if row and row.ends_at == until else ""
