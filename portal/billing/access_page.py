"""The page that says why its viewer has access, or not."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from portal.billing import entitlement, trouble
from portal.billing.plan import LIVE, shown_plan
from portal.database import db
from portal.viewer import viewer
from portal.web import page

bp = Blueprint("access_page", __name__)


@bp.get("/account/access")
def why() -> ResponseReturnValue:
    """Whether the viewer is entitled, every reason for it, and the timeline."""
    granted, row = entitlement.mine(db.session(), viewer()), LIVE.one_or_none(db.session())
    return page(
        "billing/access.html",
        v=granted,
        line=entitlement.timeline(granted, viewer()),
        day=viewer().day,
        t=trouble.trouble(),
        s=shown_plan(row) if row else None,
    )
