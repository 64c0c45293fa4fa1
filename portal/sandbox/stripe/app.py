"""The API over WSGI: who asks, has it been asked before, what is the answer, in the shapes of the real one."""

import json
import secrets
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIEnvironment

import stripe

from portal.sandbox.stripe import (
    catalog,
    changes,
    checkout,
    customers,
    events,
    portal,
    refunds,
    schedules,
    subscriptions,
)
from portal.sandbox.stripe.books import Books, fingerprint
from portal.sandbox.stripe.given import read_form
from portal.sandbox.stripe.problems import ApiError, CutConnection
from portal.sandbox.stripe.routes import answer
from portal.sandbox.stripe.shapes import Body

if TYPE_CHECKING:
    from portal.sandbox.stripe.world import Stripe

ROOMS = (catalog, changes, checkout, customers, events, portal, refunds, schedules, subscriptions)  # open for requests
DAY = 86400
Answer = tuple[int, dict[str, str], str]

_asking: set[tuple[int, str]] = set()
_guard = threading.Lock()


def api(world: "Stripe", environ: dict[str, object]) -> Answer:
    """The answer to one request: status, headers, body."""
    number = "req_" + secrets.token_hex(7)
    headers = {"Request-Id": number, "Stripe-Version": stripe.api_version, "Content-Type": "application/json"}
    try:
        fault = _faulty(world)
        status, body, more = _ask(world, environ, number)
    except ApiError as problem:
        return problem.status, headers, json.dumps(problem.body)
    if fault == "lost_answer":
        raise CutConnection
    return status, {**headers, **more}, body


def _faulty(world: "Stripe") -> str:
    fault = world.switches()["api"]
    if fault == "down":
        raise CutConnection
    if fault == "slow":
        time.sleep(world.slow_seconds)
    if fault == "500":
        raise ApiError(500, "An unknown error occurred", kind="api_error")
    if fault == "429":
        raise ApiError(
            429,
            "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests.",
            "rate_limit",
            kind="invalid_request_error",
        )
    return str(fault)


def _ask(world: "Stripe", environ: WSGIEnvironment, number: str) -> tuple[int, str, dict[str, str]]:
    _let_in(world, environ)
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].rstrip("/")
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    given = read_form(environ.get("QUERY_STRING", "") if method == "GET" else text or environ.get("QUERY_STRING", ""))
    key = environ.get("HTTP_IDEMPOTENCY_KEY") if method == "POST" else None
    request = {"id": number, "idempotency_key": key}
    if key is None:
        with world.books(request) as books:
            return _do(books, method, path, given)
    with _guard:
        if (id(world), key) in _asking:
            raise ApiError(
                409,
                "There is currently another in-progress request using this Idempotent Key.",
                "idempotency_key_in_use",
                kind="idempotency_error",
            )
        _asking.add((id(world), key))
    try:
        return _once(world, key, fingerprint(method, path, given), request, (method, path, given))
    finally:
        _asking.discard((id(world), key))


def _let_in(world: "Stripe", environ: WSGIEnvironment) -> None:
    given = environ.get("HTTP_AUTHORIZATION", "")
    if given != f"Bearer {world.api_key}":
        shown = given.removeprefix("Bearer ")
        why = f"Invalid API Key provided: {shown[:8]}***{shown[-4:]}" if shown else "You did not provide an API key."
        raise ApiError(401, why)
    version = environ.get("HTTP_STRIPE_VERSION", stripe.api_version)
    if version != stripe.api_version:
        raise ApiError(400, f"The sandbox speaks Stripe API version {stripe.api_version}, not {version}.")


def _once(
    world: "Stripe", key: str, asked: str, request: Body, call: tuple[str, str, Body]
) -> tuple[int, str, dict[str, str]]:
    with world.books(request) as books:
        books.db.execute("delete from answers where at < ?", (books.now - DAY,))
        known = books.db.execute("select * from answers where key = ?", (key,)).fetchone()
        if known and known["request"] != asked:
            raise ApiError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                kind="idempotency_error",
            )
        if known:
            return known["status"], known["body"], {"Idempotency-Key": key, "Idempotent-Replayed": "true"}
        status, body, _ = _do(books, *call)
        books.db.execute(
            "insert into answers (key, request, status, body, at) values (?, ?, ?, ?, ?)",
            (key, asked, status, body, books.now),
        )
        return status, body, {"Idempotency-Key": key}


def _do(books: Books, method: str, path: str, given: Body) -> tuple[int, str, dict[str, str]]:
    books.db.execute("savepoint asked")
    try:
        return 200, json.dumps(answer(books, method, path, given)), {}
    except ApiError as problem:
        if not problem.keep:
            books.db.execute("rollback to asked")
        return problem.status, json.dumps(problem.body), {}
    finally:
        books.db.execute("release asked")


REASONS = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Request Failed",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


def wsgi(world: "Stripe", environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The whole stand-in as a WSGI application: the API under /v1, pages for people everywhere else."""
    if not environ["PATH_INFO"].startswith("/v1/"):
        return world.pages(environ, start_response)
    status, headers, body = api(world, environ)
    data = body.encode()
    headers["Content-Length"] = str(len(data))
    start_response(f"{status} {REASONS.get(status, 'Unknown')}", list(headers.items()))
    return [data]
