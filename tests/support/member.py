"""A member's life with a plan, day by day: what they buy, when they look, and what they see."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from portal.clock import at
from portal.sandbox.stripe import customers, invoices
from portal.sandbox.stripe.cards import CARDS
from tests.support.bank import Bank
from tests.support.cast import Person
from tests.support.reading import words
from tests.support.web import Browser

DAY = timedelta(days=1)
START = datetime.now(UTC).replace(microsecond=0)
FAILS_LATER = "4000000000000341"


class Member:
    """Somebody with a browser that never signs out, and a clock."""

    def __init__(self, bank: Bank, browser: Browser, superuser: psycopg.Connection, person: Person) -> None:
        self.bank, self.browser, self.superuser, self.person = bank, browser, superuser, person

    def buys(self, *what: str, **how: str) -> tuple[str, str]:
        with at(START):
            return self.bank.buy(self.browser, *what, **how)

    def pays_with(self, card: str, confirm: bool | None = None) -> None:
        """Buys an individual plan by the month with a card, and answers its bank."""
        with at(START):
            _here, session = self.bank.choose(self.browser)
            self.bank.world.pay(session, card, confirm)
            self.bank.tell()

    def pays_bill(self, bill: str, card: str) -> None:
        """As the provider's page of a bill does it, the bank's question answered."""
        with self.bank.world.books() as books:
            invoice = books.find("invoice", bill)
            method = customers.keep_card(books, CARDS[card], books.find("customer", invoice["customer"]))
            invoices.collect(books, invoice, method, present=True, confirmed=True)
        self.bank.tell()

    @contextmanager
    def on(self, day: float) -> Iterator[None]:
        """It is so many days after the start, and the provider and the worker have done what was due."""
        with at(START + day * DAY):
            self.superuser.execute("update sign_ins set seen_at = %s", [START + day * DAY])
            self.bank.tell()
            yield

    def sees(self, path: str) -> str:
        return words(self.browser.get(path))

    @property
    def entitled(self) -> bool:
        return words(self.browser.get("/account/access"), "h1").startswith("Yes")

    def orders(self) -> list[tuple[Any, ...]]:
        found = "select status, amount_minor from orders where user_id = %s order by created_at"
        return self.superuser.execute(found, [self.person.id]).fetchall()
