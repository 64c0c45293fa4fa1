"""All tables in one place, for the migrations and the drift test."""

from portal.accounts import models as accounts
from portal.attendance import models as attendance
from portal.audit import models as audit
from portal.billing import models as billing
from portal.calendar import models as calendar
from portal.club import models as club
from portal.database import Base
from portal.families import models as families
from portal.jobs import runs
from portal.mail import models as mail
from portal.meetings import models as meetings
from portal.moving import models as moving
from portal.notifications import models as notifications
from portal.operations import models as operations
from portal.rooms import models as rooms

__all__ = [
    "Base",
    "accounts",
    "attendance",
    "audit",
    "billing",
    "calendar",
    "club",
    "families",
    "mail",
    "meetings",
    "moving",
    "notifications",
    "operations",
    "rooms",
    "runs",
]
