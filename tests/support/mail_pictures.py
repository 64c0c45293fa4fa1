"""`python -m tests.support.mail_pictures`: every mail there is, as a phone shows it in the light and in the dark.

They go to var/screenshots/mails/. Each function of a messages.py is called with something of the right kind; what the mail
says does not matter here, but how it looks does.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, get_type_hints
from uuid import UUID

from flask import current_app
from playwright.sync_api import Browser

from portal import create_app
from portal.billing.messages import Due, Named, Prepaid
from portal.billing.models import Order
from portal.config import ROOT, Settings
from portal.mail import Message, bulk
from portal.meetings.board import Board, Clock
from portal.meetings.models import Meeting
from portal.notifications import messages as notifications
from portal.times import zone_line
from tests.support.windows import chromium_running

TARGET = ROOT / "var" / "screenshots" / "mails"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
LATER = NOW + timedelta(days=2)
PERSON = UUID(int=0xA11CE)
MEETING = Meeting(
    id=PERSON,
    title="Letters, read aloud, and the long way home from Trás-os-Montes",
    scheduled_date=LATER.date(),
    start_time=time(21),
    duration=60,
    timezone="Europe/Istanbul",
    starts_at=LATER,
    ends_at=LATER + timedelta(hours=1),
    platform="link",
    status="scheduled",
    is_private=False,
    host_name="Selin",
    revision=1,
    seats_taken=0,
    waiting_count=0,
    cancellation_reason="The host is ill.",
)
FOOTER = {"stop": "https://portal.example.org/unsubscribe/x", "choose": "https://portal.example.org/account/mails"}
ORDER = Order(
    order_number="GO-7F3K-20QX",
    status="completed",
    amount=Decimal(12),
    refunded_amount=Decimal(12),
    currency="USD",
    subscription_type="individual",
    billing_cycle="monthly",
    payment_method="Visa …4242",
    period_start=NOW,
    period_end=NOW + timedelta(days=30),
)


def sample(name: str, kind: Any) -> list[Any]:
    """What to call a parameter of that name and type with; several where the mail differs."""
    if kind is bool:
        return [True, False]
    if kind is Board:
        return [Board(MEETING, Clock(NOW, "Europe/Berlin", "Europe/Istanbul", 10))]
    if kind in (Due, Named):
        return [due()]
    if kind is Prepaid:
        known = due()._asdict() | {"period_end": LATER}
        return [Prepaid(**{field: known[field] for field in Prepaid._fields})]
    samples = {Order: ORDER, datetime: LATER, int: 3, UUID: PERSON}
    named = {"answer": "accepted", "active": True, "admin": None, "code": "123456", "token": "not-a-token" * 4}
    return [named.get(name, samples.get(kind, "Ana Duarte"))]


def due() -> Due:
    """A plan that renews soon."""
    known = {
        "id": PERSON,
        "user_id": PERSON,
        "subscription_type": "individual",
        "billing_cycle": "monthly",
        "currency": "USD",
        "amount_minor": 1200,
        "timezone": "Europe/Berlin",
        "email": "ana@duarte.pt",
        "first_name": "Ana",
        "card": "Visa …4242",
    }
    times: dict[str, Any] = dict.fromkeys(("renews_at", "next_try_at", "access_until", "paid_until"), LATER)
    return Due(**{**dict.fromkeys(Due._fields), **known, **times})


def messages() -> Iterator[tuple[str, Message]]:
    """Every message of every package, by package and function."""
    for path in sorted((ROOT / "portal").glob("*/messages.py")):
        module = importlib.import_module(f"portal.{path.parent.name}.messages")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or inspect.signature(function).return_annotation is not Message:
                continue
            if not name.startswith("_"):
                yield from with_samples(f"{path.parent.name}-{name}", function, get_type_hints(function))


def with_samples(name: str, function: Callable[..., Message], hints: dict[str, Any]) -> Iterator[tuple[str, Message]]:
    """The messages of one function."""
    parameters = [parameter for parameter in hints if parameter != "return"]
    for number, values in enumerate(product(*(sample(each, hints[each]) for each in parameters))):
        yield f"{name}-{number}", function(**dict(zip(parameters, values, strict=True)))


def digest() -> str:
    """The page of a digest, with a meeting in each of its parts."""
    board = Board(MEETING, Clock(NOW, "Europe/Berlin", "Europe/Istanbul", 10))
    message, parts = notifications.digest(
        "Goalete", "Ana", [(board, answer) for answer in notifications.PARTS], weekly=True
    )
    zone = zone_line("Europe/Berlin", "Europe/Istanbul", NOW)
    return bulk.body("digest", message, "digest", parts=parts, zone_line=zone, **FOOTER).html


def pictures(browser: Browser) -> Iterator[Path]:
    """Take every picture; yields where it went. Each mail has the footer of what may be switched off."""
    TARGET.mkdir(parents=True, exist_ok=True)
    template = current_app.jinja_env.get_template("mail/message.html")
    page = browser.new_page(viewport={"width": 375, "height": 640})
    pages = {name: template.render(asdict(message) | FOOTER) for name, message in messages()}
    for name, written in {**pages, "notifications-digest": digest()}.items():
        page.set_content(written.replace(bulk.NAME, "Ana"))
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
            page.screenshot(path=TARGET / f"{name}-{theme}.png", full_page=True)
            yield TARGET / f"{name}-{theme}.png"


if __name__ == "__main__":
    settings = Settings(secret_key="x" * 32, database_url="postgresql+psycopg://nobody@127.0.0.1:9/none", sandbox=True)
    with create_app(settings).app_context(), chromium_running() as running:
        print(f"{sum(1 for _ in pictures(running))} pictures in {TARGET.relative_to(ROOT)}/.")
