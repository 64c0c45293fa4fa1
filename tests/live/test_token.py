"""A stream is opened with a ticket that only the portal can write."""

import time

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from portal.live.token import Audience, Ticket, admit, issue

TICKET = Ticket("supper", Audience("Europe/Berlin", names_shown=True), "alice")


def test_a_ticket_is_admitted_as_it_was_issued():
    assert admit(["secret"], issue("secret", TICKET)) == TICKET


@pytest.mark.parametrize(
    "token",
    ["", "supper", issue("secret", TICKET)[:-1], "x" + issue("secret", TICKET)],
    ids=["empty", "plain", "cut", "longer"],
)
def test_a_forged_ticket_is_refused(token):
    assert admit(["secret"], token) is None


def test_the_ticket_of_another_portal_is_refused():
    assert admit(["secret"], issue("another secret", TICKET)) is None


def test_a_signature_made_for_something_else_is_refused():
    cookie = URLSafeTimedSerializer("secret", salt="cookie-session").dumps(TICKET)
    assert admit(["secret"], cookie) is None


def test_a_ticket_in_words_we_no_longer_use_is_refused():
    old = URLSafeTimedSerializer("secret", salt="portal.live").dumps({"meeting": "supper"})
    assert admit(["secret"], old) is None


@pytest.mark.parametrize(("hours", "admitted"), [(11.9, TICKET), (12.1, None)])
def test_a_ticket_is_good_for_twelve_hours(monkeypatch, hours, admitted):
    with monkeypatch.context() as earlier:
        then = int(time.time() - hours * 3600)
        earlier.setattr(TimestampSigner, "get_timestamp", lambda _: then)
        token = issue("secret", TICKET)
    assert admit(["secret"], token) == admitted


def test_open_pages_survive_a_new_secret():
    assert admit(["old secret", "new secret"], issue("old secret", TICKET)) == TICKET
