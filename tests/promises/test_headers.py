"""Headers and cookies of every answer."""

import pytest

from portal.headers import HEADERS

SEALED = {**HEADERS}


MAIL_AS_SENT = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""A mail styles itself. Shown to an admin in a frame, it may do nothing else."""


def sealed(answer) -> bool:
    """Whether an answer carries every security header, with a policy that allows nothing inline or foreign."""
    policy = answer.headers.get("Content-Security-Policy", "")
    if policy == MAIL_AS_SENT:
        return answer.request.path.startswith("/admin/outbox/") and all(name in answer.headers for name in SEALED)
    return all(name in answer.headers for name in SEALED) and "unsafe" not in policy and "*" not in policy


def test_every_answer_to_everybody_is_sealed(routes, everybody):
    for route in routes:
        for browser in everybody.values():
            answer = browser.open(route.path, method=route.method)
            assert sealed(answer), (route, answer.status_code)
            assert answer.headers["X-Request-Id"]


def test_errors_redirects_and_heads_are_sealed_too(client, database, app):
    answers = [
        client.get("/nothing"),
        client.put("/sign-in"),
        client.get("/orders"),
        client.head("/help"),
        client.head("/none"),
        client.post("/sign-up", data={"first_name": "x" * 300_000}),
        client.options("/help"),
        client.open("/help", method="TRACE"),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 303, 200, 404, 413, 200, 405]
    assert all(map(sealed, answers))
    assert answers[1].headers["Allow"]


def test_files_are_sealed_and_kept_for_ever(client, app, database):
    for name in ("portal.css", "portal.js", "htmx.js"):
        url = app.jinja_env.globals["asset"](name)
        answer = client.get(url)
        assert answer.status_code == 200 and sealed(answer) and sealed(client.head(url))
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert client.get("/static/../portal/config.py").status_code == client.get("/static/").status_code == 404


def test_pages_are_not_kept_by_anybody(routes, everybody):
    for route in routes:
        if route.method == "GET" and route.guard != "public":
            for browser in everybody.values():
                assert browser.get(route.path).headers["Cache-Control"] == "no-store", route


def test_every_text_says_its_alphabet(routes, everybody):
    for route in routes:
        answer = everybody["dora"].get(route.path) if route.method == "GET" else None
        if answer is not None and answer.data and answer.mimetype.startswith("text/"):
            assert answer.headers["Content-Type"].lower().endswith("charset=utf-8"), route


def test_no_answer_opens_itself_to_other_sites(routes, client):
    for route in routes:
        answer = client.open(route.path, method=route.method, headers={"Origin": "https://evil.example"})
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")], route


def test_the_cookie_is_bound_to_this_site_and_to_https(client, database):
    (cookie,) = client.get("/sign-in").headers.getlist("Set-Cookie")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith("__Host-session=")
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
    assert not [part for part in parts if part.startswith("domain")]


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        " //evil.example",
        "http:evil.example",
        "/meetings\r\nX: y",
        "%2F%2Fevil.example",
        "//[",
        "http://[",
        "data:text/html,x",
        "\x00/meetings",
        "/\\/evil.example",
        "",
    ],
)
def test_signing_in_never_leads_elsewhere(target, sign_in, alice, client):
    answer = sign_in(alice).get("/sign-in", query_string={"next": target})
    assert answer.status_code == 303 and answer.location == "/meetings"
    page = client.get("/sign-in", query_string={"next": target})
    assert page.status_code == 200 and 'value="/meetings"' in page.text


def test_signing_in_leads_back_to_a_page_of_ours(sign_in, alice):
    for target in ("/orders", "/meetings/past?from=1-2", "/account#sign-ins"):
        assert sign_in(alice).get("/sign-in", query_string={"next": target}).location == target
