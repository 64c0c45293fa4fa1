"""Portals of clubs that take no cards, as fixtures a test file takes in the place of `app` and `worker_app`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Flask

from portal import create_app
from portal.assets import build
from portal.config import Settings
from portal.database import db
from tests.support.server import Database
from tests.support.web import Browser, one_connection_each, settings_for

IBAN = "Transfer the amount to IBAN TR33 0006 1005 1978 6457 8413 26. Your bank shows it after two days."
BY_TRANSFER = {"stripe_key": "", "payment_instructions": IBAN}
FREE = {"stripe_key": "", "membership": "free"}


def pages(migrated: Database, **settings: object) -> Iterator[Flask]:
    """The portal as it answers browsers."""
    made = create_app(settings_for(migrated, **settings))
    build(made.config["SETTINGS"].assets)
    made.test_client_class = Browser
    made.config["TESTING"] = False
    one_connection_each(made)
    yield made
    with made.app_context():
        db.engine.dispose()


def worker(migrated: Database, **settings: object) -> Iterator[Flask]:
    """The portal as the worker has it."""
    known = settings_for(migrated, **settings)
    made = create_app(known, database_url=known.worker_url)
    yield made
    with made.app_context():
        db.engine.dispose()


def settings(app: Flask, **changes: Any) -> Settings:
    """Those of `app` with other values."""
    known: Settings = app.config["SETTINGS"]
    return replace(known, **changes)
