"""`docs/api.md`: every address of the portal, made from the URL map, so that none is forgotten."""

import inspect
from collections.abc import Iterator

from flask import Flask

from portal.access import guard_of

PAGE = """# Addresses

Made by `portal addresses` from the URL map. Everything is a page rendered by the server or a form sent to one; there is no
JSON API. What is sent with POST needs a form token of the same session, except for the webhooks. GET and HEAD change nothing. An
address that a viewer may not know of answers 404, not 403. Every answer carries `X-Request-Id`, which the log knows it by.

## For machines

| Address | Answers |
|---|---|
| `GET /healthz` | 200 while the process lives, in maintenance too |
| `GET /readyz` | 200 if this process can serve pages, else 503: for a balancer |
| `GET /status` | 200 if the whole club is well, else 503; a page |
| `GET /metrics` | Prometheus' text format, for `Authorization: Bearer` with `METRICS_TOKEN`; without that setting 404 |
| `GET /live/healthz` | 200 while the live process hears of changes, else 503 |
| `GET /live/metrics` | how many streams this live process has open; token as above |
| `GET /live/meetings?token=…` | `text/event-stream`: parts of a meeting's page as HTML, when they change; the page has the token |
| `POST /webhooks/stripe` | Stripe's deliveries, signed (`Stripe-Signature`) with `STRIPE_WEBHOOK_SECRET` |
| `POST /webhooks/zoom` | Zoom's events, signed (`x-zm-signature`) with `ZOOM_WEBHOOK_SECRET`, and its URL validation |

A delivery is answered with 200 once it is kept, however often it comes, with 400 if its signature is wrong, and with 503 when
nothing can be kept just now: the provider comes again.

In maintenance, or while the database is a standby, what cannot be done is answered with 503 and `Retry-After`.
{tables}"""

TABLE = """
## {title}

| Address | What it does |
|---|---|
{rows}"""

GUARDS = {
    "public": "For everybody",
    "member": "For who is signed in",
    "admin": "For admins, after their second factor; to others 404",
}


def document(app: Flask) -> str:
    """The page, in Markdown."""
    tables = (TABLE.format(title=title, rows="\n".join(_rows(app, guard))) for guard, title in GUARDS.items())
    return PAGE.format(tables="\n".join(tables)) + "\n"


def _rows(app: Flask, guard: str) -> Iterator[str]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        view = app.view_functions[rule.endpoint]
        if guard_of(view) != guard or rule.rule.startswith("/sandbox"):
            continue
        methods = " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        paragraph = inspect.cleandoc(view.__doc__ or "").partition("\n\n")[0]
        yield f"| `{methods} {rule.rule}` | {' '.join(paragraph.split()).replace('|', chr(92) + '|')} |"
