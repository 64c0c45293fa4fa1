"""The account at a glance: who pays what, what was told to whom, and the switches that make the world misbehave."""

from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue as Reply

from portal.sandbox.stripe import refunds
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.shapes import Body

if TYPE_CHECKING:
    from portal.sandbox.stripe.world import Stripe

FAULTS = {
    "ok": "answers",
    "slow": "answers slowly",
    "500": "answers with an error",
    "429": "says: too many requests",
    "lost_answer": "does the work, loses the answer",
    "down": "is down",
}
FLAGS = {"twice": "tell everything twice", "shuffled": "tell in another order", "never": "lose everything"}


def open_on(app: Flask, world: "Stripe") -> None:
    """Its addresses."""
    from portal.sandbox.stripe.pages import found

    @app.get("/")
    def lookout() -> Reply:
        switches = world.switches()
        with world.books() as books:
            people = [
                (person, books.rows("subscription", "customer = ?", person["id"]), _paid(books, person))
                for person in books.rows("customer", "json_extract(body, '$.deleted') is null", limit=50)
            ]
            return render_template(
                "sandbox/stripe/lookout.html",
                people=people,
                told=_told(books),
                switches=switches,
                faults=FAULTS,
                flags=FLAGS,
                now=books.now,
            )

    @app.post("/switch")
    def switch() -> Reply:
        fault, refund = request.form.get("api", "ok"), request.form.get("refunds", "ok")
        late = request.form.get("late_seconds", "0")
        world.switch(
            api=fault if fault in FAULTS else "ok",
            refunds="fail" if refund == "fail" else "ok",
            late_seconds=int(late) if late.isdecimal() and len(late) < 7 else 0,
            **{flag: flag in request.form for flag in FLAGS},
        )
        return redirect("/", 303)

    @app.post("/dispute/<id>")
    def dispute(id: str) -> Reply:
        with world.books() as books:
            refunds.dispute(books, found(books, "charge", id))
        return redirect("/", 303)

    @app.post("/disputes/<id>/<any(won, lost):how>")
    def decide(id: str, how: str) -> Reply:
        with world.books() as books:
            quarrel = found(books, "dispute", id)
            if quarrel["status"] not in ("won", "lost"):
                refunds.close(books, quarrel, how == "won")
        return redirect("/", 303)

    @app.post("/again/<id>")
    def again(id: str) -> Reply:
        with world.books() as books:
            send_again(books, found(books, "event", id))
        return redirect("/", 303)


def send_again(books: Books, event: Body) -> None:
    """Tell an event once more, to everybody who listens now."""
    for endpoint in books.rows("webhook_endpoint", "json_extract(body, '$.status') = 'enabled'"):
        books.db.execute(
            "insert into deliveries (event, endpoint, due) values (?, ?, ?)", (event["id"], endpoint["id"], books.now)
        )


def _paid(books: Books, person: Body) -> list[Body]:
    charges = books.rows("charge", "customer = ?", person["id"], limit=6)
    return [
        {**charge, "quarrel": next(iter(books.rows("dispute", refunds.OF["charge"], charge["id"])), None)}
        for charge in charges
    ]


def _told(books: Books) -> list[Body]:
    lines = []
    for event in books.rows("event", limit=30):
        found = books.db.execute(
            "select attempts, status, done from deliveries where event = ? order by seq", (event["id"],)
        ).fetchall()
        how = [
            f"arrived ({row['status']})"
            if row["done"] == 1
            else "lost"
            if row["done"] and not row["attempts"]
            else "waits"
            if not row["attempts"]
            else f"{'given up' if row['done'] else 'comes again'}, {row['attempts']}× tried ({row['status']})"
            for row in found
        ]
        lines.append({**event, "how": ", ".join(how) or "nobody listens"})
    return lines
