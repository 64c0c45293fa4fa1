"""Every page: one heading, ids once, a title, a language, nothing inline; every address in one style."""

import re
from html.parser import HTMLParser

import pytest

CLOCK = "21:00"
"""What may stand in an element of time that names no moment of its own."""
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d(:\d\d(\.\d{1,3})?)?([+-]\d\d:\d\d|Z)?")
"""HTML's own words for a moment: no finer than thousandths."""


class Sheet(HTMLParser):
    """What a page is made of, as far as the promises go."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.faults: list[str] = []
        self.headings = 0
        self.title = self.lang = ""
        self.labels: set[str] = set()
        self.inputs: list[str] = []
        self._inside: str = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._inside = tag
        self.headings += tag == "h1"
        self.ids += [given["id"]] if "id" in given else []
        self.lang = given.get("lang", "") if tag == "html" else self.lang
        self.faults += [f"{tag} {name}" for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        self.faults += ["style element"] if tag == "style" else []
        self.faults += ["inline script"] if tag == "script" and "src" not in given else []
        self.faults += [f"javascript: in {tag}"] if str(given.get("href", "")).startswith("javascript:") else []
        self.faults += ["img without alt"] if tag == "img" and "alt" not in given else []
        if tag == "time" and not MOMENT.fullmatch(given.get("datetime", CLOCK)):
            self.faults.append("time no machine reads")
        if tag == "label" and "for" in given:
            self.labels.add(given["for"])
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            self.inputs += [] if "aria-label" in given else [given.get("id", "no id")]

    def handle_data(self, data):
        if self._inside == "title":
            self.title += data.strip()

    def handle_endtag(self, tag):
        self._inside = ""


def lint(html: str) -> list[str]:
    """What is wrong with a page."""
    sheet = Sheet(html)
    twice = {i for i in sheet.ids if sheet.ids.count(i) > 1}
    return [
        *sheet.faults,
        *(["not one h1"] if sheet.headings != 1 else []),
        *(["no title"] if not sheet.title else []),
        *(["no language"] if sheet.lang != "en" else []),
        *(f"id {i} twice" for i in twice),
        *(f"{i} has no label" for i in sheet.inputs if i not in sheet.labels),
    ]


@pytest.mark.parametrize("who", ["visitor", "alice", "dora"])
def test_every_page_is_made_well(who, routes, everybody):
    seen = 0
    for route in routes:
        answer = everybody[who].get(route.path) if route.method == "GET" else None
        if answer is not None and answer.mimetype == "text/html" and "<!doctype" in answer.text.lower():
            seen += 1
            assert lint(answer.text) == [], route
    assert seen > 8


def test_error_pages_are_made_well(client, sign_in, alice):
    for answer in (
        client.get("/nothing-here"),
        client.delete("/help"),
        sign_in(alice).get("/admin"),
        client.post("/sign-in"),
    ):
        assert answer.status_code >= 400 and lint(answer.text) == []


def test_pages_with_mistakes_on_them_are_made_well(client, sign_in, alice):
    assert lint(client.submit("/sign-up", email="x").text) == []
    assert lint(client.submit("/sign-in").text) == []
    assert lint(sign_in(alice).submit("/account/profile").text) == []
    assert lint(sign_in(alice).submit("/account/password").text) == []


def test_the_lint_sees_what_is_wrong():
    bad = (
        '<html><h1 id=a>x</h1><h1 id=a style="x">x</h1><script>1</script>'
        '<a onclick=x href="javascript:1">x</a><input id=b>'
        '<time datetime="2026-11-26T11:52:47.178491+00:00">14:52</time>'
    )
    assert lint(bad) == [
        "h1 style",
        "inline script",
        "a onclick",
        "javascript: in a",
        "time no machine reads",
        "not one h1",
        "no title",
        "no language",
        "id a twice",
        "b has no label",
    ]


def test_addresses_are_in_kebab_case(app):
    for rule in app.url_map.iter_rules():
        bare = re.sub(r"<[^>]+>", "x", rule.rule).removeprefix("/.well-known")
        assert re.fullmatch(r"/|(/[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?)+", bare), rule


@pytest.mark.parametrize(
    "nasty", ["<script>x</script>", "\"'><img src=x onerror=y>", "{{ 7*7 }}", "%s %(x)s {0.__class__}", "((("]
)
def test_names_are_shown_as_typed(nasty, sign_in, alice, superuser):
    superuser.execute("update users set first_name = %s where id = %s", [nasty, alice.id])
    superuser.execute("update family_plans set plan_name = %s", [nasty])
    for path in ("/account", "/family", "/meetings"):
        text = sign_in(alice).get(path).text
        assert (
            lint(text) == [] and nasty not in text.replace("((( ", "")
            if "<" in nasty
            else "49" not in text.split("<h1")[1][:80]
        )


ADDRESS = re.compile(r'\b(?:href|action|formaction|data-hx-get|data-hx-post)="(/[^"/?#][^"?#]*|/)["?#]')


def test_every_address_on_every_page_leads_somewhere(app, routes, everybody):
    """Of links, forms and what htmx asks for; the files browsers load are served before any route is looked at."""
    known, dead = app.url_map.bind("portal.example"), set()
    for route in routes:
        for person in everybody.values() if route.method == "GET" else ():
            for path in set(ADDRESS.findall(person.get(route.path).text)):
                if not path.startswith("/static/") and not known.allowed_methods(path):
                    dead.add((route.rule, path))
    assert dead == set()
