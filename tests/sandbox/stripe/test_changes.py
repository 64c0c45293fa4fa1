"""Another plan in the middle: to the second, as the preview said, now or at the end of the period."""

import pytest
import stripe

from tests.sandbox.stripe.account import at, moment


def change(account, sub, price, **more):
    item = account.item(sub).id
    return account.api.subscriptions.update(sub.id, params={"items": [{"id": item, "price": price}], **more})


def preview(account, sub, price, **more):
    details = {"items": [{"id": account.item(sub).id, "price": price}], **more}
    return account.api.invoices.create_preview(params={"subscription": sub.id, "subscription_details": details})


def amounts(invoice):
    return [line.amount for line in invoice.lines.data]


def test_a_bigger_plan_is_paid_for_at_once_as_the_preview_said(account):
    with at(0):
        sub = account.subscribe()
    with at(14):  # half of 28 days
        upcoming = preview(account, sub, account.family, proration_behavior="always_invoice")
        change(account, sub, account.family, proration_behavior="always_invoice")
        paid = account.see(sub).latest_invoice
    assert amounts(paid) == amounts(upcoming) == [-500, 1250]
    assert (paid.amount_paid, upcoming.amount_due, paid.billing_reason) == (750, 750, "subscription_update")
    assert all(line.parent.invoice_item_details.proration for line in paid.lines.data)


@pytest.mark.parametrize("seconds", [1, 1209, 86400, 900_001, 1_500_000, 2_000_000, 28 * 86400 - 1])
def test_to_the_second(account, seconds):
    sub, whole = account.subscribe(), 28 * 86400
    with at(seconds / 86400 + 1e-9):
        upcoming = preview(account, sub, account.family, proration_behavior="always_invoice")
    left = whole - seconds
    assert amounts(upcoming) == [-round(1000 * left / whole), round(2500 * left / whole)]


def test_it_can_wait_for_the_next_invoice(account):
    with at(0):
        sub = account.subscribe()
    with at(14):
        upcoming = preview(account, sub, account.family)
        change(account, sub, account.family)
        assert len(account.invoices(sub)) == 1
    with at(29):
        assert amounts(account.invoices(sub)[0]) == amounts(upcoming) == [-500, 1250, 2500]


def test_without_proration_only_the_next_period_differs(account):
    with at(0):
        sub = account.subscribe()
    with at(14):
        assert amounts(preview(account, sub, account.family, proration_behavior="none")) == [2500]
        change(account, sub, account.family, proration_behavior="none")
    with at(29):
        assert [invoice.total for invoice in account.invoices(sub)] == [2500, 1000]


def test_a_smaller_plan_leaves_a_credit_the_next_invoice_uses(account):
    with at(0):
        sub = account.subscribe(price=account.family)
    with at(14):
        change(account, sub, account.month, proration_behavior="always_invoice")
        assert account.see(sub).latest_invoice.total == -750
        assert account.api.customers.retrieve(account.ana.id).balance == -750
    with at(29):
        newest = account.invoices(sub)[0]
        assert (newest.total, newest.amount_due, newest.starting_balance, newest.ending_balance) == (1000, 250, -750, 0)
        assert account.api.customers.retrieve(account.ana.id).balance == 0


def test_another_rhythm_begins_now(account):
    with at(0):
        sub = account.subscribe()
    with at(14):
        upcoming = preview(account, sub, account.year, proration_behavior="always_invoice")
        now = change(account, sub, account.year, proration_behavior="always_invoice")
        assert now.billing_cycle_anchor == moment(14) == account.item(sub).current_period_start
        assert amounts(account.see(sub).latest_invoice) == amounts(upcoming) == [-500, 10000]


def test_a_preview_changes_nothing(account):
    with at(0):
        sub = account.subscribe()
        before, told = account.see(sub).to_dict(), account.told()
        for behaviour in ("none", "create_prorations", "always_invoice"):
            preview(account, sub, account.family, proration_behavior=behaviour)
        of_customer = account.api.invoices.create_preview(params={"customer": account.ana.id})
        assert of_customer.total == 1000 and of_customer.id.startswith("upcoming_in_")
        assert account.see(sub).to_dict() == before and account.told() == told


def test_who_is_not_paying_again_has_no_next_invoice(account):
    with at(0), pytest.raises(stripe.InvalidRequestError) as none:
        account.api.invoices.create_preview(params={"customer": account.ana.id})
    assert none.value.code == "invoice_upcoming_none"


def test_an_error_if_incomplete_leaves_everything_as_it_was(account):
    with at(0):
        sub = account.subscribe("4000000000000341")
        told = account.told()
        with pytest.raises(stripe.CardError):
            change(
                account,
                sub,
                account.family,
                proration_behavior="always_invoice",
                payment_behavior="error_if_incomplete",
            )
        assert account.item(sub).price.id == account.month and account.see(sub).status == "active"
        assert len(account.invoices(sub)) == 1 and account.told() == told


def test_a_pending_change_comes_true_when_paid_and_lapses_when_not(account):
    pending = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    with at(0):
        paid, not_paid = account.subscribe("4000000000000341"), account.subscribe("4000000000000341")
        for sub in (paid, not_paid):
            assert change(account, sub, account.family, **pending).pending_update.subscription_items
            assert (account.see(sub).status, account.item(sub).price.id) == ("active", account.month)
        account.subscribe()  # brings a card that works
        card = account.api.payment_methods.list(params={"customer": account.ana.id}).data[0]
        account.api.invoices.pay(account.see(paid).latest_invoice.id, params={"payment_method": card.id})
        assert account.item(paid).price.id == account.family and account.see(paid).pending_update is None
    with at(1):
        assert account.item(not_paid).price.id == account.month and account.see(not_paid).pending_update is None
        assert account.see(not_paid).latest_invoice.status == "void"


def test_a_change_that_is_not_paid_for_falls_behind(account):
    with at(0):
        sub = account.subscribe("4000000000000341")
    with at(14):
        change(account, sub, account.family, proration_behavior="always_invoice")
        assert (account.see(sub).status, account.item(sub).price.id) == ("past_due", account.family)


def test_a_free_time_can_be_cut_short(account):
    with at(0):
        sub = account.subscribe(subscription_data={"trial_end": moment(20)})
    with at(3):
        account.api.subscriptions.update(sub.id, params={"trial_end": "now"})
        assert (account.see(sub).status, account.see(sub).latest_invoice.amount_paid) == ("active", 1000)
        assert account.item(sub).current_period_start == moment(3)


def test_ending_with_proration_leaves_the_rest_as_credit(account):
    with at(0):
        sub = account.subscribe()
    with at(14):
        account.api.subscriptions.cancel(sub.id, params={"prorate": True, "invoice_now": True})
        assert account.api.customers.retrieve(account.ana.id).balance == -500


def planned(account, sub, price):
    schedule = account.api.subscription_schedules.create(params={"from_subscription": sub.id})
    now = schedule.phases[0]
    phases = [
        {"start_date": now.start_date, "end_date": now.end_date, "items": [{"price": now["items"][0].price}]},
        {"items": [{"price": price}], "proration_behavior": "none"},
    ]
    return account.api.subscription_schedules.update(schedule.id, params={"phases": phases, "end_behavior": "release"})


def test_a_planned_change_happens_at_the_end_of_the_period_without_proration(account):
    with at(0):
        sub = account.subscribe(price=account.family)
    with at(14):
        schedule = planned(account, sub, account.month)
        assert account.see(sub).schedule == schedule.id and account.item(sub).price.id == account.family
    with at(29):
        assert account.item(sub).price.id == account.month
        assert [invoice.total for invoice in account.invoices(sub)] == [1000, 2500]
    with at(70):
        assert account.see(sub).schedule is None
        assert account.api.subscription_schedules.retrieve(schedule.id).status == "released"


def test_a_planned_change_of_rhythm(account):
    with at(0):
        sub = account.subscribe()
        planned(account, sub, account.year)
    with at(29):
        item = account.item(sub)
        assert (item.current_period_start, item.current_period_end) == (moment(28), moment(28 + 365))
        assert account.see(sub).latest_invoice.total == 10000


def test_a_plan_can_be_dropped(account):
    with at(0):
        sub = account.subscribe(price=account.family)
        schedule = planned(account, sub, account.month)
        with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
            account.api.subscriptions.update(sub.id, params={"cancel_at_period_end": True})
        released = account.api.subscription_schedules.release(schedule.id)
        assert (released.status, released.released_subscription) == ("released", sub.id)
        assert account.see(sub).schedule is None
    with at(29):
        assert account.item(sub).price.id == account.family
