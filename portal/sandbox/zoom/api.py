"""The API: a token for the app, then meetings, registrants, reports and recordings, in Zoom's wire format.

What Zoom's description does not name is refused with its "Validation Failed.".
"""

import base64
import re
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue as Reply

from portal.sandbox.zoom.problems import NO_MEETING, ApiError, CutConnection
from portal.sandbox.zoom.world import ACCOUNT, CLIENT, SCOPES, SECRET, TOKEN_LASTS, Body, World, moment

MOST_REGISTRANTS = 30
IN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Check = Callable[[object], bool]


def text(most: int) -> Check:
    """Text of so many characters."""
    return lambda value: isinstance(value, str) and len(value) <= most


def one_of(*values: object) -> Check:
    """One of these, and of their type."""
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def address(value: object) -> bool:
    """A mail address, as far as Zoom looks."""
    return isinstance(value, str) and len(value) <= 128 and re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def people(value: object) -> bool:
    """As many people as one request may name."""
    return (
        isinstance(value, list) and 0 < len(value) <= MOST_REGISTRANTS and all(isinstance(each, dict) for each in value)
    )


FLAG = one_of(True, False)

MEETING: dict[str, Check] = {
    "topic": text(200),
    "type": one_of(1, 2, 3, 8, 10),
    "start_time": lambda value: isinstance(value, str) and IN_UTC.fullmatch(value) is not None,
    "duration": lambda value: type(value) is int and 0 < value <= 1440,
    "timezone": text(64),
    "agenda": text(2000),
    "password": text(10),
    "settings": lambda value: isinstance(value, dict),
}
SETTINGS: dict[str, Check] = {
    "approval_type": one_of(0, 1, 2),
    "auto_recording": one_of("local", "cloud", "none"),
    "jbh_time": one_of(0, 5, 10, 15),
    "alternative_hosts": text(1000),
    **dict.fromkeys(
        (
            "registrants_confirmation_email",
            "registrants_email_notification",
            "waiting_room",
            "join_before_host",
            "meeting_authentication",
            "use_pmi",
            "mute_upon_entry",
            "host_video",
            "participant_video",
            "close_registration",
            "allow_multiple_devices",
            "show_share_button",
            "private_meeting",
        ),
        FLAG,
    ),
}
REGISTRANT: dict[str, Check] = {"email": address, "first_name": text(64), "last_name": text(64)}
PAGED = ("page_size", "next_page_token")


def api(world: World) -> Blueprint:
    """Its addresses."""
    bp = Blueprint("api", __name__)

    @bp.errorhandler(ApiError)
    def refused(problem: ApiError) -> Reply:
        return problem.body, problem.status, problem.headers

    @bp.before_request
    def faulty() -> None:
        fault = world.switches["api"]
        if fault == "down":
            raise CutConnection
        if fault == "slow":
            time.sleep(world.slow_seconds)
        if fault == "error":
            raise ApiError(500, 500, "Internal server error.")
        if fault == "busy":
            words = "You have reached the maximum per-second rate limit for this API. Try again later."
            raise ApiError(429, 429, words, headers={"Retry-After": "2"})

    @bp.post("/oauth/token")
    def token() -> Reply:
        return _token(world)

    def allowed(scope: str, *query: str) -> None:
        """Who asks has a token that is good for it, and asks nothing else."""
        _let_in(world, scope)
        if unknown := tuple(name for name in request.args if name not in query):
            raise ApiError(400, 300, "Validation Failed.", fields=unknown)

    @bp.get("/v2/users/<user>/meetings")
    def listed(user: str) -> Reply:
        allowed("meeting:read:list_meetings", "type", *PAGED)
        host = world.user(user)
        rows = [
            each for each in world.state["meetings"].values() if each["host_email"] == host and not each["_deleted"]
        ]
        if request.args.get("type", "scheduled").startswith("upcoming"):
            rows = [
                each for each in rows if moment(each["start_time"]).timestamp() + 60 * each["duration"] > _now(world)
            ]
        names = (
            "uuid",
            "id",
            "host_id",
            "topic",
            "type",
            "start_time",
            "duration",
            "timezone",
            "created_at",
            "join_url",
        )
        shown = [{name: row[name] for name in names} | {"agenda": row["agenda"][:250]} for row in rows]
        return _page(world, "meetings", sorted(shown, key=lambda row: row["start_time"]))

    @bp.post("/v2/users/<user>/meetings")
    def create(user: str) -> Reply:
        allowed("meeting:write:meeting")
        made = world.create(user, _meeting_of(_body(MEETING)))
        registers = made["settings"]["approval_type"] != 2
        more = {"registration_url": f"{world.url}/j/{made['id']}"} if registers else {}
        return {**_shown(world, made), **more}, 201

    @bp.get("/v2/meetings/<meeting>")
    def show(meeting: str) -> Reply:
        allowed("meeting:read:meeting")
        return _shown(world, world.meeting(meeting))

    @bp.patch("/v2/meetings/<meeting>")
    def update(meeting: str) -> Reply:
        allowed("meeting:update:meeting")
        world.update(meeting, _meeting_of(_body(MEETING)))
        return "", 204

    @bp.delete("/v2/meetings/<meeting>")
    def delete(meeting: str) -> Reply:
        allowed("meeting:delete:meeting", "schedule_for_reminder", "cancel_meeting_reminder")
        world.delete(meeting, remind=request.args.get("cancel_meeting_reminder") == "true")
        return "", 204

    @bp.post("/v2/meetings/<meeting>/registrants")
    def register(meeting: str) -> Reply:
        allowed("meeting:write:registrant")
        given = _body({**REGISTRANT, "auto_approve": FLAG}, "email", "first_name")
        made = world.register(meeting, given)
        about = world.meeting(meeting)
        return {
            "id": about["id"],
            "join_url": made["join_url"],
            "registrant_id": made["id"],
            "start_time": about["start_time"],
            "topic": about["topic"],
        }, 201

    @bp.post("/v2/meetings/<meeting>/batch_registrants")
    def register_many(meeting: str) -> Reply:
        allowed("meeting:write:batch_registrants")
        fields = {"auto_approve": FLAG, "registrants_confirmation_email": FLAG, "registrants": people}
        given = _body(fields, "registrants")
        confirm = given.get("registrants_confirmation_email", True)
        with world.change():  # all of them or none
            for person in given["registrants"]:
                _check(person, REGISTRANT, ("email", "first_name"))
            made = [world.register(meeting, person, confirm=confirm) for person in given["registrants"]]
        rows = [{"email": each["email"], "join_url": each["join_url"], "registrant_id": each["id"]} for each in made]
        return {"registrants": rows}, 201

    @bp.put("/v2/meetings/<meeting>/registrants/status")
    def status(meeting: str) -> Reply:
        allowed("meeting:update:registrant_status")
        given = _body({"action": one_of("approve", "cancel", "deny"), "registrants": people}, "action", "registrants")
        world.cancel(meeting, [str(each.get("id")) for each in given["registrants"]])
        return "", 204

    @bp.get("/v2/past_meetings/<path:meeting>/instances")
    def instances(meeting: str) -> Reply:
        allowed("meeting:read:list_past_instances")
        ended = [each for each in _known(world, meeting)["_instances"] if each["opened"] and each["end_time"]]
        return {"meetings": [{"uuid": each["uuid"], "start_time": each["start_time"]} for each in ended]}

    @bp.get("/v2/past_meetings/<path:meeting>/participants")
    def past(meeting: str) -> Reply:
        allowed("meeting:read:list_past_participants", *PAGED)
        rows = [_row(stay, True) for stay in _instance(world, meeting)["stays"]]
        for row in rows:
            del row["participant_user_id"]
        return _page(world, "participants", rows)

    @bp.get("/v2/report/meetings/<path:meeting>/participants")
    def report(meeting: str) -> Reply:
        allowed("report:read:list_meeting_participants", "include_fields", *PAGED)
        if world.switches["no_reports"]:
            raise ApiError(400, 200, f"Only available for Paid or ZMP account: {ACCOUNT}.")
        asked = "registrant_id" in request.args.get("include_fields", "")
        return _page(world, "participants", [_row(stay, asked) for stay in _instance(world, meeting)["stays"]])

    @bp.get("/v2/meetings/<path:meeting>/recordings")
    def recordings(meeting: str) -> Reply:
        allowed("cloud_recording:read:list_recording_files")
        found = _known(world, meeting)["_recordings"]
        if not found:
            raise ApiError(404, 3301, f"This recording does not exist: {meeting}.")
        return {"account_id": ACCOUNT, **{name: value for name, value in found[-1].items() if name != "share_url"}}

    return bp


def _token(world: World) -> Reply:
    def no(error: str, reason: str) -> Reply:
        return {"reason": reason, "error": error}, 400

    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    fault = world.switches["api"]
    if request.headers.get("Authorization") != f"Basic {basic}" or fault == "revoked":
        return no("invalid_client", "Invalid client_id or client_secret")
    if fault == "disabled":
        return no("invalid_client", "The app has been disabled by Zoom")
    if request.form.get("grant_type") != "account_credentials":
        return no("unsupported_grant_type", "unsupported grant type")
    if request.form.get("account_id") != ACCOUNT:
        return no("invalid_request", "Bad Request")
    with world.change() as state:
        key = secrets.token_urlsafe(24)
        alive = {name: until for name, until in state["tokens"].items() if until > time.time()}
        state["tokens"] = {**alive, key: time.time() + TOKEN_LASTS}
    scope = "" if fault == "scopes" else SCOPES
    return {
        "access_token": key,
        "token_type": "bearer",
        "expires_in": TOKEN_LASTS - 1,
        "scope": scope,
        "api_url": world.url,
    }


NO_TOKEN_LASTS = ("revoked", "disabled", "contended")


def _let_in(world: World, scope: str) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if world.state["tokens"].get(given, 0) <= time.time() or world.switches["api"] in NO_TOKEN_LASTS:
        raise ApiError(401, 124, "Invalid access token.")
    if world.switches["api"] == "scopes":
        raise ApiError(400, 4711, f"Invalid access token, does not contain scopes:[{scope}, {scope}:admin].")


def _body(fields: dict[str, Check], *needed: str) -> Body:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise ApiError(400, 300, "Request Body should be a valid JSON object.")
    return _check(given, fields, needed)


def _check(given: Any, fields: dict[str, Check], needed: tuple[str, ...], within: str = "") -> Body:
    if not isinstance(given, dict):
        raise ApiError(400, 300, "Validation Failed.", fields=(within or "body",))
    wrong = [f"{within}{name}" for name, value in given.items() if name not in fields or not fields[name](value)]
    wrong += [f"{within}{name}" for name in needed if not given.get(name)]
    if wrong:
        raise ApiError(400, 300, "Validation Failed.", fields=tuple(wrong))
    return given


def _meeting_of(given: Body) -> Body:
    _check(given.get("settings", {}), SETTINGS, (), "settings.")
    return given


def _shown(world: World, meeting: Body) -> Body:
    shown = {name: value for name, value in meeting.items() if not name.startswith("_")}
    return shown | {"start_url": world.start_url(meeting)}


def _known(world: World, name: str) -> Body:
    """A meeting by its number, deleted or not: what was stays known."""
    found: Body | None = world.state["meetings"].get(unquote(name))
    if found is None:
        raise ApiError(404, NO_MEETING, f"Meeting does not exist: {name}.")
    return found


def _instance(world: World, name: str) -> Body:
    """One time a meeting was held, by its own name or, the last time, by the meeting's number; after its end."""
    name = unquote(name)
    for number, meeting in world.state["meetings"].items():
        for instance in reversed(meeting["_instances"]):
            if name in (number, instance["uuid"]) and instance["opened"] and instance["end_time"]:
                return dict(instance)
    raise ApiError(404, NO_MEETING, f"Meeting does not exist: {name}.")


def _row(stay: Body, with_registrant: bool) -> Body:
    joined, left = moment(stay["join_time"]), moment(stay["leave_time"])
    row = {
        "id": stay["account"],
        "user_id": stay["user_id"],
        "participant_user_id": stay["account"],
        "name": stay["name"],
        "user_email": stay["email"],
        "join_time": stay["join_time"],
        "leave_time": stay["leave_time"],
        "duration": int((left - joined).total_seconds()),
        "failover": False,
        "status": "in_waiting_room" if stay["waiting"] else "in_meeting",
    }
    return row | ({"registrant_id": stay["registrant_id"] or ""} if with_registrant else {})


def _page(world: World, name: str, rows: list[Body]) -> Response:
    size = request.args.get("page_size", "30")
    place = request.args.get("next_page_token") or "0"
    if not size.isdecimal() or not 0 < int(size) <= 300 or not place.isdecimal():
        raise ApiError(400, 300, "Validation Failed.", fields=PAGED)
    many, first = min(int(size), world.most_rows), int(place)
    more = str(first + many) if first + many < len(rows) else ""
    pages = -(-len(rows) // many)
    told = {"page_count": pages, "page_size": many, "total_records": len(rows), "next_page_token": more}
    return jsonify({**told, name: rows[first : first + many]})


def _now(world: World) -> float:
    return world.now().timestamp()
