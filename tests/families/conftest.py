"""What the tests of a family share."""

from contextlib import contextmanager

import pytest

from portal.database import db
from portal.database.identity import WORKER, act_as


@pytest.fixture
def hand(worker_app, database):
    """`with hand() as session`: one transaction of the worker's; a refusal leaves no trace."""

    @contextmanager
    def transaction():
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            try:
                yield db.session()
            except BaseException:
                db.session.rollback()
                raise
            db.session.commit()

    return transaction
