"""What an operator has at hand: a folder for backups and the worker's session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations import backup
from portal.operations.models import Backup
from tests.support.web import settings_for


@pytest.fixture
def settings(database, tmp_path) -> Settings:
    """The settings of a club that keeps backups."""
    return settings_for(database, backups=tmp_path / "backups")


@pytest.fixture
def at_work(worker_app, database) -> Iterator[Session]:
    """The worker's session."""
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        yield db.session()
        db.session.rollback()


@pytest.fixture
def made(at_work, settings, people, supper) -> Backup:
    """A backup of the cast and one meeting."""
    made = backup.back_up(at_work, settings)
    at_work.commit()
    return made


@pytest.fixture
def file(made, settings) -> Path:
    """Its file."""
    return settings.backups / made.file
