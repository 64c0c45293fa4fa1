"""What a browser says it is, for people to read."""

import pytest
from flask import Flask, request

from portal.accounts import devices
from portal.accounts.member import display_name

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def asked(function, agent, **headers):
    with Flask(__name__).test_request_context(headers={"User-Agent": agent, **headers}):
        return function(request)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (PHONE, "Mobile Safari on iOS"),
        ("", "A browser on an unknown system"),
        ("x" * 3000, "A browser on an unknown system"),
    ],
)
def test_a_browser_in_words(agent, words):
    assert asked(devices.describe, agent) == words


def test_how_a_person_is_called():
    assert (
        display_name("Ana", "Duarte", "a@b.pt") == "Ana Duarte" and display_name(None, "Duarte", "a@b.pt") == "Duarte"
    )
    assert display_name("", None, "ana@b.pt") == "ana"
