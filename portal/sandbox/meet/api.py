"""The two APIs and the token endpoint over WSGI. Every answer is held against Google's own description before it leaves."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from portal.sandbox.meet import keys
from portal.sandbox.meet.discovery import Call, check, find
from portal.sandbox.meet.problems import ApiError, CutConnection, Json, TokenError, bad_request, not_found
from portal.sandbox.meet.store import Books
from portal.sandbox.meet.world import Meet, end_conference, new_space, written

PREFIXES = ("/token", "/calendar/v3/", "/v2/")
SERVICES = {"calendar": "calendar-json.googleapis.com", "meet": "meet.googleapis.com"}
Handler = Callable[[Meet, Books, Call, Json], Json | None]


def wsgi(world: Meet, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request to an address that begins with one of PREFIXES."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    data = environ["wsgi.input"].read(length) if length else b""
    path = environ["PATH_INFO"]
    status, body = _token(world, environ, data) if path == "/token" else _call(world, environ, data)
    text = b"" if body is None else json.dumps(body).encode()
    headers = [("Content-Type", "application/json; charset=UTF-8"), ("Content-Length", str(len(text)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [text]


def _misbehave(world: Meet) -> str:
    fault = str(world.switches()["api"])
    if fault == "down":
        raise CutConnection
    if fault == "slow":
        time.sleep(world.slow_seconds)
    return fault


# -- tokens ------------------------------------------------------------------------------------------------------------
def _token(world: Meet, environ: WSGIEnvironment, data: bytes) -> tuple[int, Json]:
    try:
        fault = _misbehave(world)
        if fault == "500":
            raise TokenError("internal_failure", "Internal error.", 500)
        return 200, _grant(world, environ, parse_qs(data.decode()), fault)
    except TokenError as problem:
        return problem.status, problem.body


def _grant(world: Meet, environ: WSGIEnvironment, form: dict[str, list[str]], fault: str) -> Json:
    if environ["REQUEST_METHOD"] != "POST" or form.get("grant_type") != [keys.GRANT]:
        raise TokenError("unsupported_grant_type", "Invalid grant_type")
    claims = keys.claims(form.get("assertion", [""])[0], world.key_file)
    if fault == "revoked":
        raise TokenError("unauthorized_client", UNAUTHORIZED, 401)
    scopes = str(claims.get("scope", "")).split()
    if not scopes or not set(scopes) <= set(world.switches()["delegated"]) or "sub" not in claims:
        raise TokenError("unauthorized_client", UNAUTHORIZED, 401)
    if claims["sub"] != world.organizer:
        raise TokenError("invalid_grant", "Invalid email or User ID")
    return {"access_token": world.new_token(scopes), "expires_in": keys.LIFE - 1, "token_type": "Bearer"}


UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, "
    "or client not authorized for any of the scopes requested."
)


# -- calls -------------------------------------------------------------------------------------------------------------
def _call(world: Meet, environ: WSGIEnvironment, data: bytes) -> tuple[int, Json | None]:
    service = SERVICES["calendar" if environ["PATH_INFO"].startswith("/calendar/") else "meet"]
    try:
        fault = _misbehave(world)
        call = find(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        )
        _let_in(world, environ, call, service, fault)
        with world.books() as books:
            answer = HANDLERS[call.id](world, books, call, _body(call, data))
    except ApiError as problem:
        return problem.status, problem.body(service)
    if fault == "lost_answer" and call.id == "calendar.events.insert":
        raise CutConnection
    if answer is None:
        return 204, None
    check(call.method["response"], answer)
    return 200, answer


def _let_in(world: Meet, environ: WSGIEnvironment, call: Call, service: str, fault: str) -> None:
    with world.books() as books:
        row = books.row(
            "select scopes from tokens where token = ? and expires > ?",
            environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "),
            time.time(),
        )
    if row is None or fault == "revoked":
        raise ApiError(401, "Request had invalid authentication credentials.", "authError", "UNAUTHENTICATED")
    if fault == "500":
        raise ApiError(500, "Internal error encountered.", "backendError", "INTERNAL")
    if fault == "quota":
        message = f"Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service '{service}'."
        status = 403 if service.startswith("calendar") else 429
        raise ApiError(status, message, "rateLimitExceeded", "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
    if fault == "used_up" and service.startswith("calendar"):
        raise ApiError(403, "Calendar usage limits exceeded.", "quotaExceeded", "RESOURCE_EXHAUSTED")
    if fault == "disabled":
        message = f"{service} has not been used in project 100000000001 before or it is disabled."
        raise ApiError(403, message, "accessNotConfigured", "PERMISSION_DENIED", "SERVICE_DISABLED")
    if not set(row["scopes"].split()) & set(call.method["scopes"]):
        message = "Request had insufficient authentication scopes."
        raise ApiError(403, message, "insufficientPermissions", "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def _body(call: Call, data: bytes) -> Json:
    schema = call.method.get("request")
    if schema is None:
        return {}
    try:
        body = json.loads(data or b"{}")
    except ValueError as wrong:
        raise bad_request("Invalid JSON payload received.") from wrong
    check(schema, body)
    return dict(body)


# -- Calendar ----------------------------------------------------------------------------------------------------------
def _calendar(world: Meet, call: Call) -> None:
    if call.path["calendarId"] not in ("primary", world.organizer):
        raise not_found("Not Found")


def _event(world: Meet, books: Books, call: Call) -> Json:
    _calendar(world, call)
    row = books.row("select body from events where id = ?", call.path["eventId"])
    if row is None:
        raise not_found("Not Found")
    body: Json = json.loads(row["body"])
    return body


def _keep(books: Books, event: Json) -> Json:
    books.run("insert or replace into events values (?, ?)", event["id"], json.dumps(event))
    return event


def _check_times(event: Json) -> None:
    try:
        start, end = (event[key]["dateTime"] for key in ("start", "end"))
    except KeyError as wrong:
        raise ApiError(400, "Missing end time.", "required", "INVALID_ARGUMENT") from wrong
    if end <= start:
        raise ApiError(400, "The specified time range is empty.", "timeRangeEmpty", "INVALID_ARGUMENT")


def insert_event(world: Meet, books: Books, call: Call, body: Json) -> Json:
    """Ids of events that were deleted stay taken, as Calendar has it."""
    _calendar(world, call)
    if not re.fullmatch("[a-v0-9]{5,1024}", body.get("id", "")):
        raise bad_request("Invalid resource id value.")
    if books.row("select 1 from events where id = ?", body["id"]):
        raise ApiError(409, "The requested identifier already exists.", "duplicate", "ALREADY_EXISTS")
    _check_times(body)
    now = written(world.now())
    made = {"kind": "calendar#event", "status": "confirmed", "created": now, "updated": now, "sequence": 0}
    return _keep(books, {**made, **body, "organizer": {"email": world.organizer, "self": True}})


def get_event(world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """An event; one that was deleted too, as cancelled."""
    return _event(world, books, call)


def patch_event(world: Meet, books: Books, call: Call, body: Json) -> Json:
    """Change the fields that are named."""
    event = _event(world, books, call)
    if event["status"] == "cancelled":
        raise ApiError(403, "Forbidden", "forbidden", "PERMISSION_DENIED")
    event.update(body, updated=written(world.now()), sequence=event["sequence"] + 1)
    _check_times(event)
    return _keep(books, event)


def delete_event(world: Meet, books: Books, call: Call, _body: Json) -> None:
    """The event stays, as cancelled: Calendar gives it for a while yet, and its id for ever to nobody else."""
    event = _event(world, books, call)
    if event["status"] == "cancelled":
        raise ApiError(410, "Resource has been deleted", "deleted", "NOT_FOUND")
    _keep(books, {**event, "status": "cancelled"})


def list_events(world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """The events that stand."""
    _calendar(world, call)
    events = [json.loads(row["body"]) for row in books.rows("select body from events order by id")]
    most = min(int(call.query.get("maxResults", 250)), 2500)
    standing = [event for event in events if event["status"] != "cancelled"]
    return {"kind": "calendar#events", "summary": world.organizer, "items": standing[:most]}


# -- Meet --------------------------------------------------------------------------------------------------------------
def _space(world: Meet, books: Books, name: str, *, by_code: bool = False) -> Json:
    row = books.row("select * from spaces where name = ?", name)
    if row is None and by_code:
        row = books.row("select * from spaces where code = ?", name.removeprefix("spaces/"))
    if row is None:
        raise not_found()
    active = books.row("select name from conferences where space = ? and ended is null", row["name"])
    space = {
        "name": row["name"],
        "meetingCode": row["code"],
        "meetingUri": f"{world.url}/{row['code']}",
        "config": json.loads(row["config"]),
    }
    return space | ({"activeConference": {"conferenceRecord": active["name"]}} if active else {})


def create_space(world: Meet, books: Books, _call: Call, body: Json) -> Json:
    """A room; its access is the organisation's default unless said."""
    config = {"accessType": "TRUSTED", "entryPointAccess": "ALL"} | body.get("config", {})
    return _space(world, books, new_space(books, config))


def get_space(world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """A room, by its name or its code."""
    return _space(world, books, call.path["name"], by_code=True)


def patch_space(world: Meet, books: Books, call: Call, body: Json) -> Json:
    """Change the settings that the mask names."""
    space = _space(world, books, call.path["name"])
    mask = call.query.get("updateMask", "")
    for path in mask.split(",") if mask else []:
        section, _, key = path.partition(".")
        if section != "config" or key not in body.get("config", {}):
            raise bad_request(f"Invalid value at 'update_mask': {path}")
    named = [path.partition(".")[2] for path in mask.split(",")] if mask else list(body.get("config", {}))
    config = space["config"] | {key: body["config"][key] for key in named}
    books.run("update spaces set config = ? where name = ?", json.dumps(config), space["name"])
    return _space(world, books, space["name"])


def end_active_conference(world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """Everybody is out."""
    active = _space(world, books, call.path["name"]).get("activeConference")
    if active:
        end_conference(books, active["conferenceRecord"], written(world.now()))
    return {}


def list_conferences(world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """Newest first; of one room if a filter says which."""
    rooms = re.fullmatch(r'(?:space\.name\s*=\s*"([^"]+)")?', call.query.get("filter", ""))
    if rooms is None:
        raise bad_request("Invalid filter.")
    late = int(books.switches()["late_minutes"])
    rows = books.rows(
        "select * from conferences where coalesce(?, space) = space and (? = 0 or ended <= ?) order by seq desc",
        rooms[1],
        late,
        written(world.now() - timedelta(minutes=late)),
    )
    return _page(books, call, 25, 100, "conferenceRecords", [_times(row, space=row["space"]) for row in rows])


def list_participants(_world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """Who was in a conference, newest first."""
    _conference(books, call.path["parent"])
    rows = books.rows(
        "select p.name, kind, account, display, min(started) as started, case when max(ended is null) then null else max(ended)"
        " end as ended from participants p join sessions s on s.participant = p.name where conference = ?"
        " group by p.seq order by p.seq desc",
        call.path["parent"],
    )
    made = []
    for row in rows:
        person = {"displayName": row["display"]} | ({"user": row["account"]} if row["account"] else {})
        made.append(
            {"name": row["name"], row["kind"]: person, "earliestStartTime": row["started"]}
            | ({"latestEndTime": row["ended"]} if row["ended"] else {})
        )
    return _page(books, call, 100, 250, "participants", made)


def list_sessions(_world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """The stays of a participant, newest first."""
    parent = call.path["parent"]
    if books.row("select 1 from participants where name = ?", parent) is None:
        raise not_found()
    rows = books.rows("select * from sessions where participant = ? order by seq desc", parent)
    return _page(books, call, 100, 250, "participantSessions", [_times(row) for row in rows])


def list_recordings(world: Meet, books: Books, call: Call, _body: Json) -> Json:
    """What was recorded, oldest first. The file is there when the recording ended."""
    _conference(books, call.path["parent"])
    rows = books.rows("select * from recordings where conference = ? order by seq", call.path["parent"])
    made = []
    for row in rows:
        file = row["name"].rpartition("/")[2]
        drive = {"file": file, "exportUri": f"{world.url}/recordings/{file}"}
        state = {"state": "FILE_GENERATED", "driveDestination": drive} if row["ended"] else {"state": "STARTED"}
        made.append(_times(row) | state)
    return _page(books, call, 10, 100, "recordings", made)


def _conference(books: Books, name: str) -> None:
    if books.row("select 1 from conferences where name = ?", name) is None:
        raise not_found()


def _times(row: Any, **more: str) -> Json:
    ended = {"endTime": row["ended"]} if row["ended"] else {}
    return {"name": row["name"], "startTime": row["started"], **ended, **more}


def _page(books: Books, call: Call, usual: int, most: int, key: str, rows: list[Json]) -> Json:
    size = min(int(call.query.get("pageSize") or usual), most)
    size = min(size, books.switches()["page"] or size)
    try:
        begin = int(base64.urlsafe_b64decode(call.query.get("pageToken", "MA==")))
    except ValueError as wrong:
        raise bad_request("Invalid page token.") from wrong
    page: Json = {key: rows[begin : begin + size]} if rows[begin : begin + size] else {}
    if begin + size < len(rows):
        page["nextPageToken"] = base64.urlsafe_b64encode(str(begin + size).encode()).decode()
    return page


HANDLERS: dict[str, Handler] = {
    "calendar.events.delete": delete_event,
    "calendar.events.get": get_event,
    "calendar.events.insert": insert_event,
    "calendar.events.list": list_events,
    "calendar.events.patch": patch_event,
    "meet.spaces.create": create_space,
    "meet.spaces.get": get_space,
    "meet.spaces.patch": patch_space,
    "meet.spaces.endActiveConference": end_active_conference,
    "meet.conferenceRecords.list": list_conferences,
    "meet.conferenceRecords.participants.list": list_participants,
    "meet.conferenceRecords.participants.participantSessions.list": list_sessions,
    "meet.conferenceRecords.recordings.list": list_recordings,
}
