"""The `Forwarded` header (RFC 7239): read strictly, and what it says of a request."""

import pytest

from portal.proxies import Forwarded, address, elements


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("for=192.0.2.60", [{"for": "192.0.2.60"}]),
        ('For="[2001:db8:cafe::17]:4711"', [{"for": "[2001:db8:cafe::17]:4711"}]),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}]),
        ("for=192.0.2.43, for=198.51.100.17", [{"for": "192.0.2.43"}, {"for": "198.51.100.17"}]),
        ("for=192.0.2.43,for=198.51.100.17", [{"for": "192.0.2.43"}, {"for": "198.51.100.17"}]),
        ('for=_SEVKISEK ; host="a.example:443"', [{"for": "_SEVKISEK", "host": "a.example:443"}]),
        (r'for="a\"b, for=c"', [{"for": 'a"b, for=c'}]),
        ('for=""', [{"for": ""}]),
    ],
)
def test_each_proxy_adds_an_element(header, said):
    assert elements(header) == said


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        ";",
        "for",
        "for=",
        "=1.2.3.4",
        "for=1.2.3.4,",
        ",for=1.2.3.4",
        "for=1.2.3.4;",
        "for=1.2.3.4 for=6.6.6.6",
        'for="1.2.3.4',
        'for=1.2.3.4"',
        'for="1.2.3.4"x',
        "for=1.2.3.4;for=6.6.6.6",
        "for=[::1]",
        "for=1.2.3.4:80",
        "f or=1.2.3.4",
        "for =1.2.3.4",
        "for=1.2.3.4\x00",
        "for=\u0663.2.3.4",
        'for="' + "\\" * 3999,
        "1.2.3.4, 5.6.7.8",
    ],
)
def test_anything_else_is_not_read(header):
    assert elements(header) is None


@pytest.mark.parametrize(
    ("node", "found"),
    [
        ("192.0.2.60", "192.0.2.60"),
        ("192.0.2.60:4711", "192.0.2.60"),
        ("192.0.2.60:_x", "192.0.2.60"),
        ("[2001:db8::17]", "2001:db8::17"),
        ("[2001:db8::17]:4711", "2001:db8::17"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("2001:db8::17", None),
        ("[192.0.2.60]", None),
        ("[2001:db8::17", None),
        ("192.0.2.600", None),
        ("192.0.2.60:", None),
        ("192.0.2.60:123456", None),
        ("[fe80::1%eth0]", None),
        ("localhost", None),
    ],
)
def test_who_it_was_for(node, found):
    assert address(node) == found


def seen(header, hops=1):
    """Address, scheme and host of a request with this header, asked of the proxy itself at http://web:8000."""
    environ = {"REMOTE_ADDR": "10.0.0.1", "wsgi.url_scheme": "http", "HTTP_HOST": "web:8000", "HTTP_FORWARDED": header}
    Forwarded(lambda _environ, _start: [], hops)(environ, lambda *_said: None)
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], environ["HTTP_HOST"]


UNTOUCHED = ("10.0.0.1", "http", "web:8000")


def test_the_last_proxy_is_believed_and_nobody_before_it():
    header = 'for=6.6.6.6;proto=http;host=evil.example, for="[2001:db8::17]:4711";proto=https;host="club.example:8443"'
    assert seen(header) == ("2001:db8::17", "https", "club.example:8443")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "for=6.6.6.6, nonsense",
        'for="6.6.6.6, for=203.0.113.9',
        "for=unknown;proto=gopher;host=a/b",
        "for=1.2.3.4" + ",for=1.2.3.4" * 500,
    ],
)
def test_without_an_element_that_can_be_read_the_proxy_is_who_asks(header):
    assert seen(header) == UNTOUCHED


def test_fewer_elements_than_proxies_are_nobodys_word():
    assert seen("for=6.6.6.6;proto=https", hops=2) == UNTOUCHED
