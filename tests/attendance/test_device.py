"""With what somebody came in, as far as the browser tells."""

import pytest
from flask import Flask, request

from portal.attendance.device import kind

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
TABLET = (
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
IPAD = MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"
)


def of(agent, form=None, **headers):
    with Flask(__name__).test_request_context(method="POST", data=form or {}, headers={"User-Agent": agent, **headers}):
        return kind(request)


@pytest.mark.parametrize(
    ("agent", "said"),
    [(FIREFOX, "desktop"), (PHONE, "mobile"), (TABLET, "tablet"), ("", "unknown"), ("curl/8", "unknown")],
)
def test_a_kind_of_device(agent, said):
    assert of(agent) == said


def test_a_hint_counts_more_than_the_name():
    assert of(FIREFOX, **{"Sec-CH-UA-Mobile": "?1"}) == "mobile"


@pytest.mark.parametrize(("touches", "said"), [("5", "tablet"), ("0", "desktop"), ("", "unknown"), ("x", "unknown")])
def test_an_ipad_that_calls_itself_a_mac_is_known_by_its_screen(touches, said):
    assert of(IPAD, {"touches": touches}) == said


def test_a_mac_that_gives_hints_is_a_mac():
    assert of(MAC, {"touches": "5"}, **{"Sec-CH-UA-Mobile": "?0"}) == "desktop"
