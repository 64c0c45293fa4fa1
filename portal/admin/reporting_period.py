"""The moments the admin's numbers and lists are counted from, by the viewer's own calendar."""

from datetime import datetime, timedelta

from portal import clock
from portal.viewer import viewer


def reporting_period() -> dict[str, datetime]:
    """`at` is now; a week ago; the first moments of this month, of the next and of this year."""
    at, first = clock.now(), viewer().now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "at": at,
        "week_ago": at - timedelta(days=7),
        "month_start": first,
        "month_end": (first + timedelta(days=32)).replace(day=1),
        "year_start": first.replace(month=1),
    }
