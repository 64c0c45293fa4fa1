"""A form is what a browser sends: anything else is 415, and whatever is wrong inside of one never breaks a page."""

import pytest
from wtforms import StringField

from portal.forms import Form
from tests.promises.test_forms_sent import FREE_OF_TOKENS

BOUNDARY = "multipart/form-data; boundary=x"
URLENCODED = "application/x-www-form-urlencoded"
NO_FORMS = [
    ("application/json", b'{"email": 5, "password": "x"}'),
    ("application/json", b"[1, 2]"),
    ("application/json", b"{"),
    ("application/json", b""),
    ("application/vnd.api+json", b'{"email": 5}'),
    ("text/plain", b"email=a&password=b"),
    ("text/xml", b"<email/>"),
    ("application/octet-stream", b"\xff\x00"),
    ("multipart/mixed; boundary=x", b"--x--"),
    ("application/x-www-form-urlencoded, application/json", b"email=a"),
    ("nonsense", b"email=a"),
    ("", b"email=a"),
]


@pytest.mark.parametrize(("kind", "body"), NO_FORMS, ids=lambda value: str(value)[:40])
def test_what_is_no_form_is_refused_calmly_on_every_route(kind, body, routes, everybody, superuser):
    for route in routes:
        if route.method != "GET" and str(route) not in FREE_OF_TOKENS:
            browser = everybody["alice" if route.guard == "member" else "dora"]
            headers = {"X-CSRFToken": browser.token()}
            answer = browser.open(route.path, method=route.method, data=body, headers=headers, content_type=kind)
            assert answer.status_code == 415 and "not a form we can read" in answer.text, route
    assert superuser.execute("select count(*) from system_logs where operation = 'request.broke'").fetchone() == (0,)


def part(name, value, more=""):
    """One part of a multipart body."""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


FILE = '; filename="x.txt"\r\nContent-Type: text/plain'
BODIES = [
    (URLENCODED, b"email=%ff%fe&password=%00&code=%ff&first_name=%ED%A0%80"),
    (URLENCODED + "; charset=utf-16", "email=a".encode("utf-16")),
    (URLENCODED + "; charset=nonsense", b"email=a@b.example&password=x"),
    (URLENCODED, b"email=a@b.example&email=b@c.example&password=x&password=y&answer=accepted&answer=declined"),
    (URLENCODED, b"email[]=a&email[0]=b&password[x]=c&=d&&&==&%"),
    (URLENCODED, b"email=" + b"a" * 200_000),
    (URLENCODED, b"&".join(b"f%d=%d" % (n, n) for n in range(5000))),
    (
        URLENCODED,
        b"email=a%00b@c.example&password=%00&code=%00&at=%00&answer=%00&standing=%00&addresses=%00&reason=%00",
    ),
    (
        URLENCODED,
        b"day=2026-02-30&scheduled_date=0000-00-00&start_time=99:99&duration=1e400&amount=NaN&at=inf&minor=-0",
    ),
    (URLENCODED, b"amount=" + b"9" * 5000 + b"&duration=" + b"9" * 5000 + b"&max_attendees=" + b"9" * 5000),
    (URLENCODED, "touches=²&code=١٢٣٤٥٦&max_attendees=٣&duration=²&minor=²&at=²".encode()),
    ("multipart/form-data", b"--x--"),
    (BOUNDARY, b""),
    (BOUNDARY, b"--x"),
    (BOUNDARY, b"--x--"),
    (BOUNDARY, b"nonsense"),
    (BOUNDARY, b"--x\r\n\r\n\r\n--x--"),
    (BOUNDARY, part("email", b"a@b.example") + b"--y--"),
    (BOUNDARY, part("email", b"\xff\xfe\x00") + part("password", b"\xff") + b"--x--"),
    (
        BOUNDARY,
        part("email", b"a@b.example", FILE) + part("password", b"x", FILE) + part("code", b"1", FILE) + b"--x--",
    ),
    (BOUNDARY, b"".join(part(f"f{n}", b"x") for n in range(1200)) + b"--x--"),
    (
        BOUNDARY,
        b'--x\r\nContent-Disposition: form-data; name="email"\r\nContent-Type: text/plain; charset=nonsense\r\n\r\na\r\n--x--',
    ),
    (BOUNDARY, b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--"),
]


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=lambda value: str(value)[:40])
def test_no_body_of_a_form_breaks_a_page(kind, body, routes, everybody, superuser):
    for route in routes:
        if route.method != "GET" and route.path != "/sign-out":
            superuser.execute("delete from rate_limits")
            browser = everybody["dora" if route.guard == "admin" else "alice"]
            headers = {"X-CSRFToken": browser.token()}
            answer = browser.open(route.path, method=route.method, data=body, headers=headers, content_type=kind)
            assert answer.status_code < 500, route
    assert superuser.execute("select message from system_logs where operation = 'request.broke'").fetchall() == []


class Visit(Form):
    """A form with one field."""

    name = StringField()


def test_a_file_under_the_name_of_a_field_is_nothing_typed(app):
    body = part("name", b"x", FILE) + part("other", b"y") + b"--x--"
    with app.test_request_context("/", method="POST", data=body, content_type=BOUNDARY):
        assert not Visit().name.data
