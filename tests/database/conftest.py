"""What the database itself never lets happen: each truth was once broken, by a schema that looked reasonable.

The docstrings say how; where it is cheap, the old form is made once more beside the new one (`before`), to show that the
test would notice.
"""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.server import Database
from tests.support.world import tried

BROWSER_ROLES = ("portal_web", "portal_anonymous", "portal_member", "portal_admin")


@pytest.fixture
def before(superuser):
    """A schema `before` for the old form of a thing; gone after the test."""
    with tried(superuser):
        superuser.execute("create schema before; grant usage on schema before to portal_member, portal_owner")
        yield superuser


@pytest.fixture(scope="module")
def logins(migrated: Database) -> Iterator[dict[str, psycopg.Connection]]:
    with migrated.connect("portal_web") as web, migrated.connect("portal_worker") as worker:
        yield {"portal_web": web, "portal_worker": worker}


def refused_by(constraint):
    """The block must be refused by the constraint of this name."""
    return pytest.raises(psycopg.IntegrityError, check=lambda error: error.diag.constraint_name == constraint)
