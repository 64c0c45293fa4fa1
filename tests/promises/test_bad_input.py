"""Whatever is typed, pasted or forged: a page that says so, never a crash, and nothing written by a refused form."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.cast import ALICE, DORA

ODD = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "a\x00b",
            "\r\nBcc: eve@club.example",
            "\u202eevil",
            "\u2066x",
            "🦆" * 40,
            "x" * 20_000,
            "ﬀ",
            "İ",
            "'; drop table users; --",
            "<script>alert(1)</script>",
            "{{ 7 * 7 }}",
            "{0.__class__}",
            "%s%n",
            "(((",
            "=1+1",
            "-1",
            "0",
            "1e9",
            "99999999999999999999",
            "9" * 400,
            "2026-02-30",
            "2027-03-28",
            "02:30",
            "24:00",
            "Mars/Olympus",
            "Europe/Berlin\x00",
            "true",
            "accepted",
            "declined",
            "ana@duarte.pt",
            "a@b",
            "@",
            "a@" + "b" * 300 + ".pt",
            "00000000-0000-0000-0000-000000000000",
            "//evil.example",
            "javascript:alert(1)",
            "../../etc/passwd",
        ]
    ),
)
FIELDS = (
    "first_name",
    "last_name",
    "email",
    "password",
    "old_password",
    "timezone",
    "preferred_meeting_time",
    "code",
    "next",
    "answer",
    "view",
    "title",
    "host_email",
    "scheduled_date",
    "start_time",
    "duration",
    "platform",
    "max_attendees",
    "description",
    "reason",
    "decision",
    "plan_name",
    "requires_approval",
    "is_private",
    "until",
    "kind",
    "amount",
    "cut",
    "plan",
    "cycle",
    "transfer",
    "at",
    "minor",
    "seats",
    "standing",
    "own_plan",
    "second_factor",
    "audience",
    "subject",
    "body",
    "days",
    "step",
    "repeats",
    "weekdays",
    "month_day",
    "starts_on",
    "ends_on",
    "times",
    "doors_minutes",
    "welcome_days",
    "show",
    "notes",
)
MANY = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


TABLES = "users meetings meeting_attendances orders family_plans credentials one_time_tokens mails presences access_grants announcements"
COUNTS = "select " + ", ".join(f"(select count(*) from {table})" for table in TABLES.split())


def contents(superuser):
    """How many rows each table has, but for the log and the counters of tries."""
    return superuser.execute(COUNTS).fetchone()


@MANY
@given(values=st.fixed_dictionaries(dict.fromkeys(FIELDS, ODD)))
def test_every_form_survives_every_text(routes, everybody, superuser, values):
    for route in routes:
        if route.method == "POST" and route.path != "/sign-out":
            superuser.execute("delete from rate_limits")
            before = contents(superuser)
            answer = everybody["dora" if route.guard == "admin" else "alice"].submit(route.path, **values)
            assert answer.status_code < 500, (route, values)
            if answer.status_code == 422:
                assert contents(superuser) == before, (route, values)


@MANY
@given(value=ODD)
def test_every_page_survives_every_question(routes, everybody, value):
    for route in routes:
        if route.method == "GET" and route.path != "/status":  # which says that no worker works here
            query = {"q": value, "from": value, "next": value, "access": value, "plan": value, "token": value}
            answer = everybody["dora"].get(route.path, query_string=query)
            assert answer.status_code < 500, (route, value)


@pytest.mark.parametrize(
    "query", ["?from=1&from=2", "?from[]=x", "?%00", "?q=%ff%fe", "?q=%", "?from=" + "9" * 5000, "?q=" + "é" * 3000]
)
def test_strange_and_doubled_parameters_are_harmless(query, sign_in, people):
    for path in ("/meetings", "/meetings/past", "/orders", "/admin/people", "/sandbox/mailbox", "/sign-in"):
        assert sign_in(DORA).get(path + query).status_code < 500


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "\xff", "." * 5000, "eyJfdXNlcl9pZCI6IjEifQ.abc.def"])
def test_a_forged_session_is_nobodys(cookie, client, people):
    client.set_cookie("__Host-session", cookie, secure=True)
    assert client.get("/meetings").status_code == 303


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("User-Agent", "\xff" * 900),
        ("User-Agent", "a\tb"),
        ("Referer", "javascript:1"),
        ("X-Forwarded-For", "1.2.3.4, ;drop"),
        ("HX-Request", "maybe"),
        ("HX-Current-URL", "::"),
        ("Accept-Language", "x" * 3000),
        ("Host", "evil.example"),
    ],
)
def test_odd_headers_are_harmless(name, value, sign_in, people):
    browser = sign_in(ALICE)
    for path in ("/meetings", "/account", "/nowhere"):
        assert browser.get(path, headers={name: value}).status_code < 500


def test_what_was_typed_comes_back_escaped_beside_its_sentence(client):
    typed = """<"'&> Ana"""
    answer = client.submit("/sign-up", first_name=typed, email="ana.duarte.pt", timezone="Mars/Olympus")
    assert answer.status_code == 422
    assert re.search(r'value="&lt;&#34;&#39;&amp;&gt; Ana"', answer.text) and 'value="ana.duarte.pt"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 3
