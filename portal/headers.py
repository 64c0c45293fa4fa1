"""The headers every answer carries, files and errors too."""

from typing import TYPE_CHECKING, Any

from portal.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self' {payment_pages}; frame-ancestors 'none'; base-uri 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def headers(settings: Settings) -> dict[str, str]:
    """What every answer carries; forms may lead to the pages where one pays, and nowhere else outside."""
    return {name: value.replace("{payment_pages}", settings.payment_pages) for name, value in HEADERS.items()}


def sealed(application: "WSGIApplication", settings: Settings) -> "WSGIApplication":
    """`application` with the headers every answer carries, files and errors too."""
    seal = list(headers(settings).items())

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, headers + seal, exc_info)

        return application(environ, start)

    return answer
