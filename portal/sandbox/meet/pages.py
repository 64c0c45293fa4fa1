"""What a person sees of Meet: the door of a room, the room, and the page on which the world is told to misbehave."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue as Reply
from werkzeug.wrappers import Response

from portal.sandbox.meet.store import SCOPES, Books
from portal.sandbox.meet.world import FAULTS, Meet, NotAdmittedError

CODE = "[a-z]{3}-[a-z]{4}-[a-z]{3}"
COOKIE = "account"
TEMPLATES = Path(__file__).parents[3] / "templates"


def pages(world: Meet) -> Flask:
    """The pages as a Flask application of their own."""
    app = Flask(__name__, static_folder=None, template_folder=str(TEMPLATES))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["when"] = when
    style = (Path(__file__).parent / "style.css").read_text()

    @app.before_request
    def only_from_here() -> None:
        """What changes something is asked for by these very pages, or by a program that has no pages."""
        if request.method == "POST":
            site = request.headers.get("Sec-Fetch-Site", "same-origin")
            own = request.host_url.rstrip("/")
            if site not in ("same-origin", "none") or request.headers.get("Origin", own) != own:
                abort(403)

    @app.after_request
    def closed(response: Response) -> Response:
        """Nothing from elsewhere, nothing inline."""
        policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'"
        response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/style.css")
    def stylesheet() -> Reply:
        return Response(style, mimetype="text/css")

    @app.errorhandler(404)
    @app.errorhandler(403)
    def not_here(problem: Any) -> Reply:
        return render_template("sandbox/meet/nothing.html", code=problem.code), problem.code

    _door(app, world)
    _inside(app, world)
    _switches(app, world)
    _programs(app, world)
    return app


def when(moment: str) -> str:
    """A moment as a person reads it."""
    return f"{datetime.fromisoformat(moment):%-d %B, %H:%M:%S} UTC"


# -- a room ------------------------------------------------------------------------------------------------------------
def _door(app: Flask, world: Meet) -> None:
    def show(code: str, chosen: str, name: str, wrong: str = "", status: int = 200) -> Reply:
        with world.books() as books:
            space = books.row("select name from spaces where code = ?", code) or abort(404)
            people = _people(books, space["name"])
        return render_template(
            "sandbox/meet/door.html",
            code=code,
            title=_title(world, space["name"]),
            people=people,
            accounts=world.accounts,
            chosen=chosen,
            name=name,
            wrong=wrong,
        ), status

    @app.get("/<code>")
    def door(code: str) -> Reply:
        if not re.fullmatch(CODE, code):
            abort(404)
        return show(code, request.cookies.get(COOKIE, ""), "")

    @app.post("/<code>")
    def enter(code: str) -> Reply:
        user, typed = request.form.get("account", ""), " ".join(request.form.get("name", "").split())[:60]
        names = {each.user: each.name for each in world.accounts}
        name = names.get(user) or typed
        if not name:
            return show(code, user, typed, "Write your name, or choose an account.", 422)
        try:
            session = world.sit(code, name, user if user in names else None)
        except LookupError:
            abort(404)
        except NotAdmittedError:
            return show(code, user, typed, "Nobody is there to let you in: this room is for invited people only.", 403)
        response = make_response(redirect(f"/in/{session}", 303))
        response.set_cookie(COOKIE, user if user in names else "", httponly=True, samesite="Lax")
        return response


def _inside(app: Flask, world: Meet) -> None:
    @app.get("/in/<path:session>")
    def room(session: str) -> Reply:
        with world.books() as books:
            row = _session(books, session)
            people = _people(books, row["space"])
        template = "sandbox/meet/room.html" if row["ended"] is None else "sandbox/meet/left.html"
        return render_template(
            template,
            session=session,
            code=row["code"],
            me=row["display"],
            people=people,
            title=_title(world, row["space"]),
        )

    @app.post("/in/<path:session>")
    def leave(session: str) -> Reply:
        with world.books() as books:
            _session(books, session)
        world.leave(session)
        return redirect(f"/in/{session}", 303)

    @app.get("/recordings/<file>")
    def recording(file: str) -> Reply:
        with world.books() as books:
            row = books.row("select * from recordings where ended is not null and name like '%/' || ?", file)
        return render_template("sandbox/meet/recording.html", recording=row or abort(404))


def _session(books: Books, name: str) -> Any:
    row = books.row(
        "select s.ended, p.display, c.space, sp.code from sessions s join participants p on p.name = s.participant"
        " join conferences c on c.name = p.conference join spaces sp on sp.name = c.space where s.name = ?",
        name,
    )
    return row or abort(404)


def _people(books: Books, space: str) -> list[str]:
    rows = books.rows(
        "select distinct p.seq, p.display from sessions s join participants p on p.name = s.participant"
        " join conferences c on c.name = p.conference where c.space = ? and s.ended is null order by p.seq",
        space,
    )
    return [row["display"] for row in rows]


def _title(world: Meet, space: str) -> str:
    """What the event in the organizer's calendar that names this room is called."""
    with world.books() as books:
        row = books.row(
            "select json_extract(body, '$.summary') as title from events"
            " where json_extract(body, '$.extendedProperties.private.space') = ?",
            space,
        )
    return str(row["title"]) if row and row["title"] else "A room"


# -- the world ---------------------------------------------------------------------------------------------------------
def _switches(app: Flask, world: Meet) -> None:
    @app.get("/")
    def overview() -> Reply:
        with world.books() as books:
            rooms = [
                {
                    **dict(row),
                    "people": _people(books, row["name"]),
                    "records": [dict(each) for each in _records(books, row["name"])],
                }
                for row in books.rows(
                    "select name, code, json_extract(config, '$.accessType') as access from spaces order by rowid desc limit 50"
                )
            ]
            switches = books.switches()
        for row in rooms:
            row["title"] = _title(world, row["name"])
        return render_template(
            "sandbox/meet/overview.html", rooms=rooms, switches=switches, faults=FAULTS, scopes=SCOPES, now=world.now()
        )

    @app.post("/switches")
    def switch() -> Reply:
        late, fault = request.form.get("late_minutes", "0"), request.form.get("api", "ok")
        world.switch(
            api=fault if fault in FAULTS else "ok",
            delegated=[scope for scope in SCOPES if scope in request.form.getlist("delegated")],
            late_minutes=int(late) if late.isdecimal() and len(late) < 5 else 0,
        )
        return redirect("/", 303)

    @app.post("/record/<path:conference>")
    def record(conference: str) -> Reply:
        world.record(conference)
        return redirect("/", 303)


def _records(books: Books, space: str) -> list[Any]:
    return books.rows(
        "select c.name, c.started, c.ended, count(distinct p.seq) as people, count(distinct r.seq) as recordings"
        " from conferences c left join participants p on p.conference = c.name"
        " left join recordings r on r.conference = c.name where c.space = ? group by c.seq order by c.seq desc",
        space,
    )


# -- for programs ------------------------------------------------------------------------------------------------------
def _programs(app: Flask, world: Meet) -> None:
    """Tests and the demo's life seat people without a browser."""

    @app.post("/_seat")
    def seat() -> Reply:
        form = request.form
        try:
            session = world.sit(form["code"], form["name"], form.get("user"), phone="phone" in form)
        except LookupError:
            abort(404)
        except NotAdmittedError:
            abort(403)
        return {"session": session}

    @app.post("/_leave")
    def unseat() -> Reply:
        world.leave(request.form["session"])
        return {}
