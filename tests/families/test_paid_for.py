"""A family's money and its people: who pays opens the door for all, and everybody has one date."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.clock import at
from tests.support.reading import words
from tests.support.waitlist import one

DAY = timedelta(days=1)
FAILS_LATER = "4000000000000341"


@pytest.fixture
def payer(bank, sign_in, eve):
    """Eve, who pays for a family by the month; the plan was made by the payment."""
    browser = sign_in(eve)
    bank.buy(browser, "family", "monthly")
    return browser


def joins(bank, payer, person, sign_in, mails):
    """Somebody is invited and accepts."""
    payer.submit("/family/invitations", email=person.email)
    bank.work()
    link = mails(person.email)[0]["text"].split("/family/join/")[1].split()[0]
    guest = sign_in(person)
    answer = guest.submit(f"/family/join/{link}", own_plan="period_end")
    assert answer.status_code == 303, answer.text
    bank.tell()
    return guest


def dates(superuser):
    """Each date of the people of Eve's family."""
    hers = "select family_plan_id from users where first_name = 'Eve'"
    return [row[0] for row in superuser.execute(f"select access_until from users where family_plan_id = ({hers})")]


def test_the_first_payment_makes_the_plan(payer, superuser, eve):
    assert one(superuser, "select family_role from users where id = %s", eve.id) == "primary"
    assert "Eve" in words(payer.get("/family")) and "One person is in" in words(payer.get("/family"))


def test_who_joins_has_the_payers_date(bank, payer, sign_in, superuser, mails, charlie):
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    guest = joins(bank, payer, charlie, sign_in, mails)
    assert len(set(dates(superuser))) == 1 and "Paid by Eve" in words(guest.get("/account/access"))


def test_a_failed_payment_tells_the_payer_what_to_do_and_the_others_only_whose_it_is(
    bank, sign_in, eve, charlie, superuser, mails
):
    payer = sign_in(eve)
    bank.buy(payer, "family", "monthly", FAILS_LATER)
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    guest = joins(bank, payer, charlie, sign_in, mails)
    with at(datetime.now(UTC) + 33 * DAY):
        superuser.execute("update sign_ins set seen_at = now() + interval '33 days'")
        bank.tell()
        assert "Update my card" in payer.get("/meetings").text
        assert "The plan’s payment needs Eve’s attention." in guest.get("/meetings").text
        assert "Update my card" not in guest.get("/meetings").text


def test_money_back_ends_it_for_all(bank, payer, sign_in, superuser, mails, charlie, app):
    from portal.billing import provider

    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    guest = joins(bank, payer, charlie, sign_in, mails)
    with app.app_context():
        provider.give_back(
            one(
                superuser,
                "select provider_payment_id from orders where user_id = (select id from users"
                " where first_name = 'Eve')",
            ),
            "test",
        )
    bank.tell()
    assert words(guest.get("/account/access"), "h1") == "Not yet."


def test_who_paid_alone_ends_their_own_plan_at_its_date_and_pays_no_more(
    bank, payer, sign_in, superuser, mails, charlie
):
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    bank.buy(sign_in(charlie))
    joins(bank, payer, charlie, sign_in, mails)
    assert one(superuser, "select ends_at is not null from subscriptions where user_id = %s", charlie.id)


def test_who_pays_for_a_family_that_is_not_offered_any_more_gets_the_money_back(
    bank, payer, sign_in, superuser, mails, charlie
):
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    guest = joins(bank, payer, charlie, sign_in, mails)
    payer.submit("/family/transfer", person=str(charlie.id))
    plan = str(one(superuser, "select id from family_plans where transfer_to = %s", charlie.id))
    superuser.execute("update orders set cut_at = now() + interval '1 day' where user_id <> %s", [charlie.id])
    _here, session = bank.choose(guest, "family", "monthly", transfer=plan)
    payer.submit(f"/family/people/{charlie.id}/remove")
    bank.world.pay(session, "4242424242424242")
    bank.tell()
    bank.tell()
    found = superuser.execute("select status, amount_minor from orders where user_id = %s", [charlie.id]).fetchall()
    assert found == [("refunded", 2400)]
    assert one(superuser, "select count(*) from subscriptions where user_id = %s and live", charlie.id) == 0
    told = [mail["subject"] for mail in mails(charlie.email)]
    assert "The family was not handed over; your payment is on its way back" in told


def test_the_new_payer_pays_from_the_day_the_old_one_has_paid_to(bank, payer, sign_in, superuser, mails, charlie, eve):
    superuser.execute("delete from access_grants where user_id = %s", [charlie.id])
    guest = joins(bank, payer, charlie, sign_in, mails)
    payer.submit("/family/transfer", person=str(charlie.id))
    plan = str(one(superuser, "select id from family_plans where transfer_to = %s", charlie.id))
    bank.buy(guest, "family", "monthly", transfer=plan)
    assert one(superuser, "select family_role from users where id = %s", charlie.id) == "primary"
    assert bank.world.ledger().total == {"usd": 2400}
    assert one(superuser, "select ends_at is not null from subscriptions where user_id = %s", eve.id)
    with at(datetime.now(UTC) + 33 * DAY):
        bank.tell()
        assert bank.world.ledger().total == {"usd": 4800}
        assert all(date > datetime.now(UTC) + 50 * DAY for date in dates_of(superuser, plan))


def dates_of(superuser, plan):
    return [row[0] for row in superuser.execute("select access_until from users where family_plan_id = %s", [plan])]


def test_nobody_takes_over_what_was_not_offered(bank, payer, sign_in, superuser, bob, eve):
    plan = str(one(superuser, "select family_plan_id from users where id = %s", eve.id))
    answer = sign_in(bob).submit("/plans/choose", plan="family", cycle="monthly", transfer=plan)
    assert answer.status_code == 409 and "Nobody has asked you to take this family over" in answer.text


def test_closing_an_account_ends_what_it_pays(bank, sign_in, superuser, eve, app):
    from portal.accounts.passwords import hashed

    superuser.execute("insert into credentials values (%s, %s, now())", [eve.id, hashed("a long enough password")])
    browser = sign_in(eve)
    bank.buy(browser)
    assert browser.submit("/account/close", password="a long enough password").status_code == 303
    bank.tell()
    assert one(superuser, "select status from subscriptions") == "canceled"


# --- an end that is set, and taken back ------------------------------------------------------------------------------


ENDS, ALONE, GOES_ON = "Eve lets the family plan end", "Eve goes on with a plan for one", "The family plan goes on"


def told(mails, person):
    """What somebody heard of the plan's end, the first one first."""
    heard = [mail["subject"] for mail in reversed(mails(person.email))]
    return [subject for subject in heard if subject in (ENDS, ALONE, GOES_ON)]


def test_the_family_hears_once_when_an_end_is_set_and_when_it_is_taken_back(
    bank, payer, sign_in, superuser, mails, charlie, eve
):
    joins(bank, payer, charlie, sign_in, mails)
    for press in ("/plan/end", "/plan/resume"):
        payer.submit(press)
        bank.tell()
        bank.tell()
    assert told(mails, charlie) == [ENDS, GOES_ON] and told(mails, eve) == []
    assert superuser.execute(
        "select ending_at, told_ending_at from family_plans where plan_name <> 'Alice and friends'"
    ).fetchall() == [(None, None)]


def test_the_family_hears_once_that_its_payer_goes_on_alone(bank, payer, sign_in, mails, charlie):
    guest = joins(bank, payer, charlie, sign_in, mails)
    payer.submit("/plan/change/individual/monthly")
    bank.tell()
    bank.tell()
    assert told(mails, charlie) == [ALONE]
    assert "The plan ends then, and everyone has been told." in words(guest.get("/family"))


def test_what_the_primary_ended_on_the_family_page_is_told_once(bank, payer, sign_in, mails, charlie):
    joins(bank, payer, charlie, sign_in, mails)
    payer.submit("/family/end")
    bank.tell()
    bank.tell()
    assert told(mails, charlie) == [ENDS]
