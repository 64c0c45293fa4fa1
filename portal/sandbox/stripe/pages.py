"""The pages people see: one to pay on, the customer's own, an invoice that prints, and the account at a glance."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue as Reply
from werkzeug.wrappers import Response

from portal.config import ROOT
from portal.sandbox.stripe import cards, checkout, invoices, lookout, wallet
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.checkout import REFUSED
from portal.sandbox.stripe.rhythm import every, money
from portal.sandbox.stripe.shapes import Body

if TYPE_CHECKING:
    from portal.sandbox.stripe.world import Stripe


def when(at: int | None, time: bool = False) -> str:
    """A moment as a person reads it."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %B %Y{', %H:%M UTC' if time else ''}}" if at is not None else "–"


def pages(world: "Stripe") -> Flask:
    """The pages as a Flask application of their own."""
    app = Flask(__name__, static_folder=None, template_folder=str(ROOT / "templates"))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(money=money, every=every, when=when, cards=list(cards.CARDS.values()))
    style = (Path(__file__).parent / "style.css").read_text()

    @app.before_request
    def only_from_here() -> None:
        """What changes something is asked for by these very pages."""
        if request.method == "POST":
            site = request.headers.get("Sec-Fetch-Site", "same-origin")
            origin = request.headers.get("Origin", request.host_url.rstrip("/"))
            if site not in ("same-origin", "none") or origin != request.host_url.rstrip("/"):
                abort(403)

    @app.after_request
    def closed(response: Response) -> Response:
        """Nothing from elsewhere, nothing inline; a form may lead back to the shop."""
        back = " ".join(sorted({"'self'", *g.get("shop", ())}))
        policy = f"default-src 'none'; style-src 'self'; img-src data:; form-action {back}; base-uri 'none'; frame-ancestors 'none'"
        response.headers["Content-Security-Policy"] = policy
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
        return render_template("sandbox/stripe/nothing.html", code=problem.code), problem.code

    _till(app, world)
    _invoice(app, world)
    wallet.open_on(app, world)
    lookout.open_on(app, world)
    return app


def found(books: Books, kind: str, id: str) -> Body:
    """The object a page is about, or no page."""
    body = books.get(id)
    if body is None or body["object"] != kind:
        abort(404)
    return body


def leads_to(*addresses: str | None) -> None:
    """These places may be where the form ends."""
    parts = [urlsplit(address) for address in addresses if address]
    g.shop = [f"{part.scheme}://{part.netloc}" for part in parts]


def typed() -> tuple[dict[str, str], dict[str, str], cards.Card | None]:
    """What the card form says, what is wrong with it, and the card."""
    values = {name: request.form.get(name, "").strip() for name in ("number", "expiry", "cvc", "name", "email")}
    wrong = cards.problems(values["number"], values["expiry"], values["cvc"])
    if not values["name"]:
        wrong["name"] = "Write the name on the card."
    return values, wrong, cards.CARDS.get("".join(values["number"].split()))


def offered(name: str | None = None) -> dict[str, str]:
    """The form as it first shows; a test card chosen with one click fills it."""
    chosen = request.args.get("card", "")
    if chosen not in cards.CARDS:
        return {"name": name or ""}
    return {"number": chosen, "expiry": "12/34", "cvc": "123", "name": name or "Sandbox Payer"}


# -- paying at the till --------------------------------------------------------------------------------------------
def _till(app: Flask, world: "Stripe") -> None:
    def show(books: Books, session: Body, values: Body, wrong: Body, status: int = 200) -> Reply:
        customer = books.get(session["customer"]) if session["customer"] else None
        leads_to(session["success_url"], session["cancel_url"])
        context = {"session": session, "customer": customer, "values": values, "wrong": wrong}
        return render_template(
            "sandbox/stripe/pay.html", items=session["_items"], trial=session["_trial"], now=books.now, **context
        ), status

    def outcome(books: Books, session: Body, said: str, values: Body) -> Reply:
        if said == "complete":
            return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)
        if said == "needs confirmation":
            return redirect(f"/c/pay/{session['id']}/bank", 303)
        wrong = {"number": said.removeprefix("declined: ")} if said.startswith("declined") else {}
        return show(books, session, values, wrong, 422)

    @app.get("/c/pay/<id>")
    def till(id: str) -> Reply:
        with world.books() as books:
            session = found(books, "checkout.session", id)
            return show(books, session, offered((session["customer_details"] or {}).get("name")), {})

    @app.post("/c/pay/<id>")
    def pay(id: str) -> Reply:
        with world.books() as books:
            session = found(books, "checkout.session", id)
            leads_to(session["success_url"], session["cancel_url"])
            if session["status"] != "open":
                return outcome(books, session, session["status"], {})
            values, wrong, card = typed()
            if not (session["customer"] or session["customer_email"] or "@" in values["email"]):
                wrong["email"] = "Write an email address for the receipt."
            if wrong:
                return show(books, session, values, wrong, 422)
            expiry = cards.read_expiry(values["expiry"])
            said = checkout.pay(books, id, card, None, values["name"], expiry, values["email"] or None)
            return outcome(books, session, said, values)

    @app.get("/c/pay/<id>/bank")
    def bank(id: str) -> Reply:
        with world.books() as books:
            session = found(books, "checkout.session", id)
            leads_to(session["success_url"])
            if session["status"] != "open" or "_card" not in session:
                return redirect(f"/c/pay/{id}", 303)
            amount = money(session["amount_total"] or 0, session["currency"]) if session["currency"] else None
            return render_template("sandbox/stripe/bank.html", amount=amount, action=f"/c/pay/{id}/bank")

    @app.post("/c/pay/<id>/bank")
    def answered(id: str) -> Reply:
        with world.books() as books:
            session = found(books, "checkout.session", id)
            leads_to(session["success_url"], session["cancel_url"])
            said = session["status"]
            if said == "open":
                said = checkout.pay(books, id, confirmed=request.form.get("answer") == "confirm")
            return outcome(books, session, said, {"name": session.get("_name") or ""})


# -- one invoice ---------------------------------------------------------------------------------------------------
def _invoice(app: Flask, world: "Stripe") -> None:
    def show(books: Books, invoice: Body, values: Body, wrong: Body, status: int = 200) -> Reply:
        customer = books.get(invoice["customer"])
        return render_template(
            "sandbox/stripe/invoice.html", invoice=invoice, customer=customer, values=values, wrong=wrong
        ), status

    @app.get("/i/<id>")
    def bill(id: str) -> Reply:
        with world.books() as books:
            invoice = found(books, "invoice", id)
            return show(books, invoice, offered(invoice["customer_name"]), {})

    @app.get("/payments/<id>")
    def payment(id: str) -> Reply:
        with world.books() as books:
            return redirect(f"/i/{found(books, 'payment_intent', id)['_invoice']}", 303)

    @app.post("/i/<id>")
    def pay_bill(id: str) -> Reply:
        with world.books() as books:
            invoice = found(books, "invoice", id)
            if invoice["status"] != "open":
                return redirect(f"/i/{id}", 303)
            values, wrong, card = typed()
            if wrong or card is None:
                return show(books, invoice, values, wrong, 422)
            customer = found(books, "customer", invoice["customer"])
            method = wallet.keep(books, customer, card, values, use=False)
            said, why = invoices.collect(books, invoice, method, present=True)
            if said == "asks":
                books.change(invoice, _method=method["id"])
                return redirect(f"/i/{id}/bank", 303)
            if why:
                return show(books, invoice, values, {"number": why[0]}, 422)
            return redirect(f"/i/{id}", 303)

    @app.get("/i/<id>/bank")
    def bill_bank(id: str) -> Reply:
        with world.books() as books:
            invoice = found(books, "invoice", id)
            if invoice["status"] != "open":
                return redirect(f"/i/{id}", 303)
            amount = money(invoice["amount_due"], invoice["currency"])
            return render_template("sandbox/stripe/bank.html", amount=amount, action=f"/i/{id}/bank")

    @app.post("/i/<id>/bank")
    def bill_answered(id: str) -> Reply:
        with world.books() as books:
            invoice = found(books, "invoice", id)
            intent = invoices.intent_of(books, invoice) if invoice["status"] == "open" else None
            method = books.get(invoice.get("_method") or (intent or {}).get("payment_method"))
            if intent is None or method is None:
                return redirect(f"/i/{id}", 303)
            confirmed = request.form.get("answer") == "confirm"
            said, _ = invoices.collect(books, invoice, method, present=True, confirmed=confirmed)
            if said != "paid":
                return show(books, invoice, offered(invoice["customer_name"]), {"number": REFUSED}, 422)
            return redirect(f"/i/{id}", 303)
