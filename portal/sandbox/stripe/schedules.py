"""Subscription schedules: what a subscription shall be from which moment on."""

from stripe import params

from portal.sandbox.stripe import subscriptions
from portal.sandbox.stripe.books import Books
from portal.sandbox.stripe.given import merged
from portal.sandbox.stripe.problems import invalid
from portal.sandbox.stripe.rhythm import boundary
from portal.sandbox.stripe.routes import lists, reads, route
from portal.sandbox.stripe.shapes import SHAPES, Body

PHASE = (
    "phases.items.price phases.items.quantity phases.items.metadata phases.start_date phases.end_date phases.duration "
    "phases.proration_behavior phases.metadata end_behavior metadata"
)

lists(
    "/v1/subscription_schedules",
    params.SubscriptionScheduleListParams,
    "subscription_schedule",
    customer="customer = ?",
)
reads("/v1/subscription_schedules", params.SubscriptionScheduleRetrieveParams, "subscription_schedule")


@route("POST /v1/subscription_schedules", params.SubscriptionScheduleCreateParams, "from_subscription metadata")
def create(books: Books, given: Body) -> Body:
    """Take a running subscription in hand, as it is."""
    if "from_subscription" not in given:
        raise invalid("The sandbox makes schedules of running subscriptions: give `from_subscription`.")
    subscription = books.find("subscription", given["from_subscription"], "from_subscription")
    if subscription["schedule"]:
        raise invalid(
            f"You cannot migrate a subscription that is already attached to a schedule: {subscription['schedule']}.",
            "from_subscription",
        )
    if subscription["status"] in subscriptions.OVER:
        raise invalid("You cannot migrate a subscription that is canceled.", "from_subscription")
    first = subscription["items"]["data"][0]
    start, end = first["current_period_start"], first["current_period_end"]
    items = [{"price": item["price"]["id"], "quantity": item["quantity"]} for item in subscription["items"]["data"]]
    phase = _phase(books, {"items": items, "start_date": start, "end_date": end}, subscription["currency"])
    phase["trial_end"] = subscription["trial_end"] if subscription["status"] == "trialing" else None
    schedule = books.make(
        "subscription_schedule",
        customer=subscription["customer"],
        subscription=subscription["id"],
        phases=[phase],
        metadata=merged({}, given.get("metadata")),
        current_phase={"start_date": start, "end_date": end},
        pause_schedules=[],
    )
    books.due("phase", schedule["id"], end)
    books.emit("subscription_schedule.created", schedule)
    books.change(subscription, "customer.subscription.updated", schedule=schedule["id"])
    return schedule


def _phase(books: Books, given: Body, currency: str) -> Body:
    items: list[Body] = []
    for item in given["items"]:
        price = books.find("price", item["price"], "phases[items][price]")
        items.append(
            {
                "billing_thresholds": None,
                "discounts": [],
                "metadata": merged({}, item.get("metadata")),
                "price": price["id"],
                "quantity": item.get("quantity", 1),
                "tax_rates": [],
            }
        )
    end = given.get("end_date")
    if end is None:
        length = given.get("duration") or books.find("price", items[0]["price"])["recurring"]
        end = boundary(given["start_date"], {"interval_count": 1, **length}, 1)
    return {
        **SHAPES["phase"],
        "items": items,
        "start_date": given["start_date"],
        "end_date": end,
        "currency": currency,
        "metadata": merged({}, given.get("metadata")),
        "proration_behavior": given.get("proration_behavior", "create_prorations"),
    }


@route("POST /v1/subscription_schedules/:id", params.SubscriptionScheduleUpdateParams, f"{PHASE} proration_behavior")
def update(books: Books, given: Body, id: str) -> Body:
    """Other phases; the one that runs keeps its start."""
    schedule = _living(books, id)
    fields: Body = {name: given[name] for name in ("end_behavior",) if name in given}
    if "metadata" in given:
        fields["metadata"] = merged(schedule["metadata"], given["metadata"])
    if "phases" in given:
        fields["phases"] = _follow_on(books, schedule, given["phases"])
        running = [each for each in fields["phases"] if each["start_date"] <= books.now < each["end_date"]]
        if not running or running[0]["start_date"] != schedule["current_phase"]["start_date"]:
            raise invalid("You can not modify the start date of the current phase.", "phases[0][start_date]")
        fields["current_phase"] = {name: running[0][name] for name in ("start_date", "end_date")}
        books.due("phase", id, running[0]["end_date"])
    return books.change(schedule, "subscription_schedule.updated", **fields)


def _follow_on(books: Books, schedule: Body, given: list[Body]) -> list[Body]:
    currency = schedule["phases"][0]["currency"]
    phases: list[Body] = []
    for number, wanted in enumerate(given):
        start: object = wanted.get("start_date", phases[-1]["end_date"] if phases else None)
        if start in (None, "now") or (phases and start != phases[-1]["end_date"]):
            raise invalid("Each phase starts where the one before it ends.", f"phases[{number}][start_date]")
        phases.append(_phase(books, {**wanted, "start_date": start}, currency))
        if phases[-1]["end_date"] <= start:
            raise invalid("The end of a phase comes after its start.", f"phases[{number}][end_date]")
    return phases


@route("POST /v1/subscription_schedules/:id/release", params.SubscriptionScheduleReleaseParams, "preserve_cancel_date")
def release(books: Books, _given: Body, id: str) -> Body:
    """Let the subscription go on by itself, as it is."""
    return _let_go(books, _living(books, id))


def _let_go(books: Books, schedule: Body) -> Body:
    subscription = books.find("subscription", schedule["subscription"])
    books.due("phase", schedule["id"], None)
    books.change(
        schedule,
        status="released",
        released_at=books.now,
        released_subscription=subscription["id"],
        subscription=None,
        current_phase=None,
    )
    books.emit("subscription_schedule.released", schedule)
    books.change(subscription, "customer.subscription.updated", schedule=None)
    return schedule


@route("POST /v1/subscription_schedules/:id/cancel", params.SubscriptionScheduleCancelParams, "invoice_now prorate")
def cancel(books: Books, _given: Body, id: str) -> Body:
    """End the subscription with the schedule."""
    schedule = _living(books, id)
    subscriptions.end(books, books.find("subscription", schedule["subscription"]))
    return schedule


def turn(books: Books, schedule: Body) -> None:
    """The running phase has ended: the next begins, or the schedule does what it was told to do at its end."""
    from portal.sandbox.stripe import changes

    if schedule["status"] != "active":
        return
    subscription = books.find("subscription", schedule["subscription"])
    following = [phase for phase in schedule["phases"] if phase["start_date"] == books.now]
    if not following:
        if schedule["end_behavior"] == "cancel":
            subscriptions.end(books, subscription)
        else:
            _let_go(books, schedule)
        return
    phase = following[0]
    times = {name: phase[name] for name in ("start_date", "end_date")}
    books.change(schedule, "subscription_schedule.updated", current_phase=times)
    books.due("phase", schedule["id"], phase["end_date"])
    changes.begin_phase(books, subscription, phase)


def _living(books: Books, id: str) -> Body:
    schedule = books.find("subscription_schedule", id)
    if schedule["status"] != "active":
        raise invalid(f"You cannot change a subscription schedule that is in the `{schedule['status']}` status.")
    return schedule
