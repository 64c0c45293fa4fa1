"""The customer's own page: another card, the end of a subscription and its taking back, every invoice."""

from typing import TYPE_CHECKING

from flask import Flask, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue as Reply

from portal.sandbox.stripe import cards, customers, subscriptions
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.checkout import REFUSED
from portal.sandbox.stripe.shapes import Body

if TYPE_CHECKING:
    from portal.sandbox.stripe.world import Stripe


def keep(books: Books, customer: Body, card: cards.Card, values: dict[str, str], use: bool = True) -> Body:
    """Keep a card a customer typed; `use` it from now on for everything."""
    method = customers.keep_card(books, card, customer, values["name"], cards.read_expiry(values["expiry"]))
    if use:
        id = books.new_id("setup_intent")
        intent = books.make(
            "setup_intent",
            id=id,
            customer=customer["id"],
            payment_method=method["id"],
            client_secret=f"{id}_secret_{method['id'][-12:]}",
        )
        books.emit("setup_intent.succeeded", intent)
        subscriptions.change_card(books, customer, method)
    return method


def open_on(app: Flask, world: "Stripe") -> None:
    """Its addresses."""
    from portal.sandbox.stripe.pages import found, leads_to, offered, typed

    def enter(books: Books, id: str) -> tuple[Body, Body]:
        session = found(books, "billing_portal.session", id)
        if session["_until"] < books.now:
            abort(404)
        leads_to(session["return_url"])
        return session, found(books, "customer", session["customer"])

    def show(books: Books, session: Body, values: Body, wrong: Body, status: int = 200) -> Reply:
        customer = found(books, "customer", session["customer"])
        running = [
            (each, customers.usual_card(books, customer["id"], each))
            for each in books.rows("subscription", "customer = ?", customer["id"])
            if each["status"] not in subscriptions.OVER
        ]
        bills = [each for each in books.rows("invoice", "customer = ?", customer["id"]) if each["number"]]
        context = {"session": session, "customer": customer, "running": running, "bills": bills, "values": values}
        return render_template("sandbox/stripe/portal.html", wrong=wrong, **context), status

    def changed(books: Books, session: Body, customer: Body, card: cards.Card, values: dict[str, str]) -> Reply:
        keep(books, customer, card, values)
        flow = session["flow"] or {}
        if flow.get("after_completion", {}).get("type") == "redirect":
            return redirect(flow["after_completion"]["redirect"]["return_url"], 303)
        return redirect(f"/p/session/{session['id']}", 303)

    @app.get("/p/session/<id>")
    def wallet(id: str) -> Reply:
        with world.books() as books:
            session, customer = enter(books, id)
            return show(books, session, offered(customer["name"]), {})

    @app.post("/p/session/<id>/card")
    def another_card(id: str) -> Reply:
        with world.books() as books:
            session, customer = enter(books, id)
            values, wrong, card = typed()
            if card and card.at_once and not wrong:
                wrong["number"] = card.at_once[0]
            if wrong or card is None:
                return show(books, session, values, wrong, 422)
            if card.asks:
                books.change(session, _card=card.number, _values=values)
                return redirect(f"/p/session/{id}/bank", 303)
            return changed(books, session, customer, card, values)

    @app.get("/p/session/<id>/bank")
    def wallet_bank(id: str) -> Reply:
        with world.books() as books:
            enter(books, id)
            return render_template("sandbox/stripe/bank.html", amount=None, action=f"/p/session/{id}/bank")

    @app.post("/p/session/<id>/bank")
    def wallet_answered(id: str) -> Reply:
        with world.books() as books:
            session, customer = enter(books, id)
            if "_card" not in session:
                return redirect(f"/p/session/{id}", 303)
            if request.form.get("answer") != "confirm":
                return show(books, session, session["_values"], {"number": REFUSED}, 422)
            return changed(books, session, customer, cards.CARDS[session["_card"]], session["_values"])

    @app.post("/p/session/<id>/<any(end, resume):what>")
    def end_or_resume(id: str, what: str) -> Reply:
        with world.books() as books:
            _session, customer = enter(books, id)
            subscription = found(books, "subscription", request.form.get("subscription", ""))
            if subscription["customer"] != customer["id"] or subscription["schedule"]:
                abort(404)
            if subscription["status"] not in subscriptions.OVER:
                at = subscription["items"]["data"][0]["current_period_end"] if what == "end" else None
                fields = subscriptions.pending_cancel(books, at, what == "end")
                books.change(subscription, "customer.subscription.updated", **fields)
                subscriptions.plan_ahead(books, subscription)
            return redirect(f"/p/session/{id}", 303)
