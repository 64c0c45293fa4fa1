"""The worker's hand on money."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager

import pytest

from portal.clock import at
from portal.database import db
from portal.database.identity import WORKER, act_as

Hand = Callable[..., AbstractContextManager]


@pytest.fixture
def hand(worker_app, database) -> Hand:
    """`with hand() as session`: one transaction of the worker's, at a moment if one is given."""

    @contextmanager
    def transaction(moment=None):
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            if moment is None:
                yield db.session()
            else:
                with at(moment):
                    yield db.session()
            db.session.commit()

    return transaction
