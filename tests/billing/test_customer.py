"""How a payer is called and reached at the provider: as they are here, by a job, and each night whatever that missed."""

import pytest

from portal.billing import jobs, provider, reading
from tests.support.reading import do, one


@pytest.fixture
def there(bank, app):
    """`there()`: names and addresses of the customers at the provider, in order."""

    def called():
        with app.app_context():
            return sorted((said.name, said.email) for _, _, said in reading.customers())

    return called


@pytest.fixture
def payer(bank, sign_in, eve):
    """Eve's browser; she pays a plan."""
    browser = sign_in(eve)
    bank.buy(browser)
    return browser


def test_a_new_name_reaches_the_provider(payer, bank, there):
    payer.submit(
        "/account/profile",
        first_name="Eva",
        last_name="Duarte",
        timezone="Europe/Lisbon",
        preferred_meeting_time="20:00",
    )
    bank.work()
    assert there() == [("Eva Duarte", "eve@club.example")]


def test_a_new_address_reaches_the_provider_once_it_answers_again(payer, bank, there, worker_app, superuser, eve):
    superuser.execute("update users set email = 'eve@new.example' where id = %s", [eve.id])
    bank.world.switch(api="down")
    with pytest.raises(provider.ProviderDown):
        do(worker_app, jobs.tell_customer, user_id=str(eve.id))
    bank.world.switch(api="ok")
    for _time in range(2):
        do(worker_app, jobs.tell_customer, user_id=str(eve.id))
    assert there() == [("Eve", "eve@new.example")]


def test_what_the_provider_knows_already_it_is_not_told_again(payer, bank, worker_app, eve):
    do(worker_app, jobs.tell_customer, user_id=str(eve.id))
    told = len(bank.world.undelivered())
    do(worker_app, jobs.tell_customer, user_id=str(eve.id))
    assert len(bank.world.undelivered()) == told


def test_who_closed_the_account_is_nobody_there_either(payer, there, worker_app, superuser, as_, eve):
    with as_(eve) as db:
        db.execute("select auth.close_account()")
    do(worker_app, jobs.tell_customer, user_id=str(eve.id))
    assert there() == [("Closed account", f"{eve.id}@closed.invalid")]


def test_each_night_whatever_is_called_otherwise_is_mended(payer, bank, there, worker_app, superuser):
    line = bank.client.application.extensions["provider"].v1
    line.customers.update(
        one(superuser, "select customer_id from payers"), params={"email": "old@x.example", "name": "Nobody"}
    )
    line.customers.create(params={"email": "foreign@x.example", "name": "Foreign"})
    do(worker_app, jobs.reconcile)
    assert there() == [("Eve", "eve@club.example")]
    assert [c.email for c in line.customers.list(params={"email": "foreign@x.example"}).data] == ["foreign@x.example"]


def test_a_customer_deleted_over_there_is_told_nothing_and_has_no_card_to_change(
    payer, bank, worker_app, superuser, eve
):
    bank.client.application.extensions["provider"].v1.customers.delete(one(superuser, "select customer_id from payers"))
    do(worker_app, jobs.tell_customer, user_id=str(eve.id))
    assert payer.submit("/plan/card").location == "/plans"


def test_who_came_back_after_that_changes_the_card_of_today(payer, bank, superuser):
    bank.client.application.extensions["provider"].v1.customers.delete(one(superuser, "select customer_id from payers"))
    bank.tell()
    bank.buy(payer)
    superuser.execute("update payers set fetched_at = now() where created_at = (select min(created_at) from payers)")
    assert payer.submit("/plan/card").location.startswith(bank.world.page_url)


def test_an_address_they_do_not_take_keeps_nobody_else_from_being_told_nor_anybody_from_paying(
    payer, bank, there, sign_in, worker_app, superuser, eve, bob
):
    superuser.execute("update users set email = 'müller@localhost' where id = %s", [bob.id])
    bank.buy(sign_in(bob))
    superuser.execute("update users set email = 'eve@müller.example' where id = %s", [eve.id])
    do(worker_app, jobs.reconcile)
    assert [address for _name, address in there()] == ["", "eve@xn--mller-kva.example"]
    assert one(superuser, "select count(*) from subscriptions where live") == 2


def test_a_mark_somebody_overwrote_is_no_person_and_keeps_nobody_else_from_being_compared(
    payer, bank, worker_app, superuser
):
    line = bank.client.application.extensions["provider"].v1
    line.customers.create(params={"metadata": {"club": "goalete", "user_id": "42"}})
    line.customers.update(one(superuser, "select customer_id from payers"), params={"metadata": {"user_id": "Eve"}})
    do(worker_app, jobs.reconcile)
    assert one(superuser, "select count(*) from provider_events where handled_at is null") == 0
    assert one(superuser, "select count(*) from system_logs where operation = 'billing.reconciled'") == 1
