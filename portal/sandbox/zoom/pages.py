"""What a browser sees: the rooms people sit in, the account at a glance with its switches, and what was mailed.

Opening a personal or the host's address is coming in, as it is with Zoom. Everything works without scripts.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue as Reply

from portal.sandbox.zoom.problems import ApiError
from portal.sandbox.zoom.world import API, EVENTS, HOST, Body, World

POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MACHINES = ("/_seat", "/_leave", "/_end", "/oauth/", "/v2/")


def pages(world: World, validate: Callable[[], bool]) -> Blueprint:
    """Their addresses."""
    bp = Blueprint("pages", __name__)
    style = (Path(__file__).parent / "style.css").read_text()

    @bp.before_request
    def only_from_here() -> None:
        """What changes something is asked for by these very pages, or by a machine that sends JSON."""
        if request.method != "POST":
            return
        here = request.host_url.rstrip("/")
        if request.path.startswith(MACHINES):
            if not request.is_json:
                abort(415)
        elif request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") or (
            request.headers.get("Origin", here) != here
        ):
            abort(403)

    @bp.after_request
    def closed(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @bp.errorhandler(ApiError)
    def not_here(problem: ApiError) -> Reply:
        words = "This meeting does not exist (any more)." if problem.status == 404 else str(problem)
        return render_template("told.html", title="Zoom cannot do that", words=words), problem.status

    @bp.get("/style.css")
    def stylesheet() -> Reply:
        return Response(style, mimetype="text/css")

    _rooms(bp, world)
    _glance(bp, world, validate)
    _machines(bp, world)
    return bp


# -- rooms ---------------------------------------------------------------------------------------------------------
def _rooms(bp: Blueprint, world: World) -> None:
    def told(title: str, words: str, status: int) -> Reply:
        return render_template("told.html", title=title, words=words), status

    def come_in(number: str, **who: str | bool | None) -> Reply:
        way = request.full_path.rstrip("?")
        stay = world.sit(number, way=way, **who)  # type: ignore[arg-type] # names and flags as `sit` has them
        answer = make_response(room(stay))
        answer.set_cookie(f"seat_{number}", stay, httponly=True, samesite="Lax")
        return answer

    def room(participant_uuid: str) -> str:
        meeting, instance, stay = world.stay(participant_uuid)
        inside = [each for each in instance["stays"] if not each["leave_time"] and not each["waiting"]]
        return render_template("room.html", meeting=meeting, stay=stay, inside=inside)

    def seated(number: str) -> str | None:
        """The page of whoever sits in this room already, in this browser."""
        kept = request.cookies.get(f"seat_{number}", "")
        try:
            meeting, _, stay = world.stay(kept)
        except LookupError:
            return None
        return room(kept) if str(meeting["id"]) == number and stay["leave_time"] is None else None

    @bp.get("/w/<number>")
    def personal(number: str) -> Reply:
        meeting = world.meeting(number)
        people = meeting["_registrants"].values()
        registrant = next((each for each in people if each["tk"] == request.args.get("tk")), None)
        if registrant is None:
            return told("This link is not valid", "Nobody is registered by it.", 404)
        if registrant["status"] != "approved":
            return told("Your registration was cancelled", "This link no longer opens the meeting.", 403)
        return seated(number) or come_in(number, registrant=registrant["id"])

    @bp.get("/s/<number>")
    def host(number: str) -> Reply:
        world.meeting(number)
        if world.state["starts"].get(request.args.get("zak", ""), 0) <= world.now().timestamp():
            return told("This link has expired", "The host's link opens a meeting for two hours.", 410)
        return seated(number) or come_in(number, host=True)

    @bp.get("/j/<number>")
    def common(number: str) -> Reply:
        meeting = world.meeting(number)
        if request.args.get("pwd", "").partition(".")[0] != meeting["password"]:
            return told("The passcode is wrong", "Open the whole link you were given.", 403)
        return seated(number) or asked(meeting, {}, {})

    @bp.post("/j/<number>")
    def named(number: str) -> Reply:
        meeting = world.meeting(number)
        if request.args.get("pwd", "").partition(".")[0] != meeting["password"]:
            abort(403)
        typed = {name: request.form.get(name, "").strip()[:64] for name in ("name", "email")}
        wrong = {} if typed["name"] else {"name": "Write your name."}
        if typed["email"].count("@") != 1 and (typed["email"] or needs_registration(meeting)):
            wrong["email"] = "Write an email address, like name@example.org."
        if wrong:
            return asked(meeting, typed, wrong, 422)
        if needs_registration(meeting):
            made = world.register(number, {"email": typed["email"], "first_name": typed["name"]})
            return redirect(f"/w/{number}?tk={made['tk']}", 303)
        stay = world.sit(number, typed["name"], account=typed["email"] or None, way=request.full_path)
        answer = make_response(redirect(request.full_path, 303))
        answer.set_cookie(f"seat_{number}", stay, httponly=True, samesite="Lax")
        return answer

    def needs_registration(meeting: Body) -> bool:
        return bool(meeting["settings"]["approval_type"] != 2)

    def asked(meeting: Body, typed: Body, wrong: Body, status: int = 200) -> Reply:
        registers = needs_registration(meeting)
        return render_template("name.html", meeting=meeting, typed=typed, wrong=wrong, registers=registers), status

    @bp.post("/leave/<participant_uuid>")
    def leave(participant_uuid: str) -> Reply:
        return gone(participant_uuid, for_all=False)

    @bp.post("/end/<participant_uuid>")
    def end(participant_uuid: str) -> Reply:
        return gone(participant_uuid, for_all=True)

    def gone(participant_uuid: str, *, for_all: bool) -> Reply:
        meeting, _, stay = known(participant_uuid)
        if for_all and stay["host"]:
            world.end(str(meeting["id"]))
        else:
            world.leave(participant_uuid)
        answer = make_response(redirect(f"/left/{participant_uuid}", 303))
        answer.delete_cookie(f"seat_{meeting['id']}")
        return answer

    @bp.get("/left/<participant_uuid>")
    def left(participant_uuid: str) -> Reply:
        meeting, _, stay = known(participant_uuid)
        return render_template("left.html", meeting=meeting, way=stay["way"])

    def known(participant_uuid: str) -> tuple[Body, Body, Body]:
        try:
            return world.stay(participant_uuid)
        except LookupError:
            abort(404)

    @bp.get("/rec/<any(share, play, download):_how>/<_key>")
    def recording(_how: str, _key: str) -> Reply:
        return told("A recording", "At the real Zoom it would play here.", 200)


# -- at a glance ---------------------------------------------------------------------------------------------------
def _glance(bp: Blueprint, world: World, validate: Callable[[], bool]) -> None:
    def glance(validated: bool | None = None) -> str:
        meetings = sorted(world.state["meetings"].values(), key=lambda each: str(each["start_time"]), reverse=True)
        rows = [
            (meeting, [stay for each in meeting["_instances"] for stay in each["stays"] if not stay["leave_time"]])
            for meeting in meetings
            if not meeting["_deleted"]
        ]
        return render_template(
            "glance.html",
            rows=rows[:50],
            events=list(reversed(world.state["events"].values()))[:30],
            switches=world.switches,
            choices={"api": ("Zoom", API), "events": ("Events", EVENTS), "host": ("The host", HOST)},
            now=f"{world.now():%-d %B %Y, %H:%M UTC}",
            validated=validated,
        )

    @bp.get("/")
    def viewer_clock() -> Reply:
        return glance()

    @bp.post("/switch")
    def switch() -> Reply:
        known = {"api": API, "events": EVENTS, "host": HOST}
        chosen = {name: request.form.get(name, "") for name in known}
        flags = {name: name in request.form for name in ("no_registration", "no_reports")}
        world.switch(**{name: value for name, value in chosen.items() if value in known[name]}, **flags)
        return redirect("/", 303)

    @bp.post("/validate")
    def validated() -> Reply:
        return glance(validate())

    @bp.post("/meetings/<number>/<any(end, delete, record):what>")
    def do(number: str, what: str) -> Reply:
        if what == "end":
            world.end(number)
        elif what == "delete":
            world.delete(number, remind=False)
        elif world.meeting(number)["_instances"]:
            world.record(number)
        return redirect("/", 303)

    @bp.get("/_sent")
    def sent() -> Reply:
        return render_template("sent.html", mails=list(reversed(world.sent)))


# -- for tests and scripts -----------------------------------------------------------------------------------------
def _machines(bp: Blueprint, world: World) -> None:
    def when(given: Body) -> datetime | None:
        return datetime.fromisoformat(given["at"]) if given.get("at") else None

    @bp.post("/_seat")
    def seat() -> Reply:
        """JSON: meeting; name, registrant, account (an address), host, at (ISO 8601), each if wanted."""
        given = request.get_json()
        who = {name: given[name] for name in ("registrant", "account", "host") if name in given}
        return {"participant_uuid": world.sit(str(given["meeting"]), given.get("name", ""), at=when(given), **who)}, 201

    @bp.post("/_leave")
    def leave_by_name() -> Reply:
        """JSON: participant_uuid; at if wanted."""
        given = request.get_json()
        world.leave(given["participant_uuid"], when(given))
        return "", 204

    @bp.post("/_end")
    def end_by_name() -> Reply:
        """JSON: meeting; at if wanted."""
        given = request.get_json()
        world.end(str(given["meeting"]), when(given))
        return "", 204
