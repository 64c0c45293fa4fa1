"""`portal mail test`: one mail past the outbox, and in one sentence what the mail server answered."""

import logging
import sys

import pytest

from portal import cli
from tests.mail.conftest import office, serve  # noqa: F401 - fixtures
from tests.support.web import SECRET


@pytest.fixture
def mail_test(monkeypatch, capsys):
    """`mail_test(url, address)`: its exit status, what it said and what it complained of."""

    def call(url, address="ana@club.example"):
        monkeypatch.setenv("MAIL_URL", url)
        monkeypatch.setenv("SECRET_KEY", SECRET)
        monkeypatch.setattr(logging, "raiseExceptions", False)  # another test's log may be closed
        monkeypatch.setattr(sys, "argv", ["portal", "mail", "test", address])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out.strip(), said.err.strip()

    return call


def test_a_server_that_takes_it(mail_test, office):  # noqa: F811
    server, port = office
    assert mail_test(f"smtp://127.0.0.1:{port}") == (0, "127.0.0.1 took a mail for ana@club.example.", "")
    assert "A test mail" in server.messages[0]["Subject"]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ({"to_the_address": "550 no such person here"}, "550 no such person here"),
        ({"to_the_mail": "554 we take no such mail"}, "554 we take no such mail"),
        ({"to_the_address": "451 come back later"}, "451 come back later"),
    ],
)
def test_a_server_that_does_not(refusal, words, mail_test, office):  # noqa: F811
    server, port = office
    server.__dict__.update(refusal)
    status, _, complaint = mail_test(f"smtp://127.0.0.1:{port}")
    assert (status, complaint) == (1, f"portal: 127.0.0.1 did not take a mail for ana@club.example: {words}.")


def test_a_server_that_is_not_there(mail_test):
    status, _, complaint = mail_test("smtp://127.0.0.1:9")
    assert (
        status == 1
        and "127.0.0.1 did not take a mail for ana@club.example: [Errno 111] Connection refused." in complaint
    )


@pytest.mark.parametrize(
    ("url", "address", "sentence"),
    [
        ("smtp://127.0.0.1:9", "ana", "ana is not an e-mail address."),
        ("sandbox:", "ana@club.example", "MAIL_URL is the demo's mailbox, so there is no mail server to ask."),
    ],
)
def test_what_cannot_be_tried(url, address, sentence, mail_test, monkeypatch):
    monkeypatch.setenv("SANDBOX", "1")
    assert mail_test(url, address) == (1, "", f"portal: {sentence}")
