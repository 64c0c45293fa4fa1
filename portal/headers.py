"""The headers every answer carries, files and errors too."""

from typing import TYPE_CHECKING, Any

from flask import g

from portal.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self' {form_targets}; frame-ancestors 'none'; base-uri 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def headers(settings: Settings, form_targets: str = "") -> dict[str, str]:
    """What every answer carries; forms may lead to the pages where one pays, to `form_targets`, and nowhere else outside."""
    targets = " ".join(filter(None, (form_targets, settings.payment_pages)))
    return {name: value.replace("{form_targets}", targets) for name, value in HEADERS.items()}


def may_lead_to_a_room() -> None:
    """Let the forms of this answer lead to any https address: browsers apply `form-action` to where Join redirects, and
    the page may not tell which platform that is.
    """
    g.leads_to_a_room = True


def sealed(application: "WSGIApplication", settings: Settings) -> "WSGIApplication":
    """`application` with the headers every answer carries, files and errors too."""
    seal = list(headers(settings).items())

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            # Of what an answer says itself there is no second: of two policies both would hold.
            own = {name for name, _value in headers}
            return start_response(status, headers + [pair for pair in seal if pair[0] not in own], exc_info)

        return application(environ, start)

    return answer
