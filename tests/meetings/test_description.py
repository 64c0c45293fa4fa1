"""What an admin writes about a meeting: Markdown that can neither run nor load anything."""

from html.parser import HTMLParser

import pytest

from portal.meetings.description import rendered
from tests.support.reading import plan

TRICKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil.example>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "[a](<javascript:alert(1)>)",
    '[x](https://ok.example " onmouseover=alert(1) x=")',
    "[x](https://ok.example/'onmouseover='alert(1))",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```" onload="alert(1)\nx\n```',
    "<details open ontoggle=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<style>@import 'https://evil.example'</style>",
    "<form action=https://evil.example><input name=password>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<div data-hx-get=/account>",
    "<!--><script>alert(1)</script>-->",
    "<hx-partial hx-target=body>x</hx-partial>",
    "\u0000<script>alert(1)</script>",
    "# <b onclick=alert(1)>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
ALLOWED = {"p", "br", "strong", "em", "ul", "ol", "li", "a", "blockquote", "code", "pre", "hr", "h3", "h4"}


@pytest.mark.parametrize("text", TRICKS)
def test_nothing_runs_or_loads(text):
    for tag, attributes in elements(rendered(text)):
        assert tag in ALLOWED
        assert set(attributes) <= ({"href", "rel", "title"} if tag == "a" else set())
        assert attributes.get("href", "https:").startswith(("https:", "http:", "mailto:"))


def elements(html):
    """Each element a browser would make of it, with its attributes."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(html)
    return found


def test_what_helps_a_reader_is_kept():
    html = rendered("# Bring\n\n- one *thing*\n- **two**\n\n> said\n\n[more](https://ok.example)")
    assert "<h3>Bring</h3>" in html and "<li>one <em>thing</em></li>" in html and "<blockquote>" in html
    assert '<a href="https://ok.example" rel="noopener noreferrer nofollow">more</a>' in html


def test_no_heading_of_a_text_outranks_the_pages_own():
    html = rendered("# one\n\nTwo\n===\n\n## three\n\n### four")
    assert "<h1" not in html and "<h2" not in html and html.count("<h3>") == 4


def test_no_text_is_no_section(sign_in, charlie, superuser, supper):
    assert rendered(None) == rendered("") == ""
    assert "About this meeting" not in sign_in(charlie).get(f"/meetings/{supper.id}").text


def test_the_page_shows_the_text_safely(sign_in, charlie, superuser, database):
    meeting = plan(superuser, '<b>Bold</b> & "quoted"', description="Bring *one* <script>alert(1)</script>")
    text = sign_in(charlie).get(f"/meetings/{meeting.id}").text
    assert "Bring <em>one</em> &lt;script&gt;" in text
    assert "<b>Bold" not in text and "&lt;b&gt;Bold&lt;/b&gt; &amp; &#34;quoted&#34;" in text
