"""A plan that is ended at once for credit: the rest of the time is worth money again, so it opens nothing any more."""

import pytest

from tests.support.families import link_to
from tests.support.reading import words
from tests.support.waitlist import one


@pytest.fixture
def member(bank, sign_in, superuser, eve):
    """Eve, who has paid for a year."""
    browser = sign_in(eve)
    bank.buy(browser, "individual", "yearly")
    return browser


@pytest.fixture
def joins(bank, sign_in, superuser, member, alice, eve):
    """`joins(wish)`: Eve comes into Alice's family and says what becomes of her own plan; then she leaves it again."""

    def come_and_go(wish):
        sign_in(alice).submit("/family/invitations", email=eve.email)
        assert member.submit(link_to(superuser, eve.email), own_plan=wish).status_code == 303
        bank.tell()
        member.submit("/family/leave")
        bank.tell()

    return come_and_go


def test_what_was_credited_is_not_served(bank, joins, member, superuser, eve):
    joins("now_with_credit")
    assert "No, since" in words(member.get("/account/access"))
    assert one(superuser, "select cut_at is not null from orders where user_id = %s", eve.id)
    with bank.world.books() as books:
        assert -12000 <= books.rows("customer")[0]["balance"] <= -11990


def test_the_credit_buys_the_time_it_is_worth_once(bank, joins, member, superuser, eve):
    joins("now_with_credit")
    bank.buy(member, "individual", "yearly")
    paid = one(superuser, "select sum(amount_minor) from orders where user_id = %s and status = 'completed'", eve.id)
    assert words(member.get("/account/access"), "h1").startswith("Yes") and paid <= 12010


def test_what_ends_with_its_paid_time_is_served_to_the_end(joins, member, superuser, eve):
    joins("period_end")
    assert words(member.get("/account/access"), "h1").startswith("Yes")
    assert one(superuser, "select count(*) from orders where user_id = %s and cut_at is not null", eve.id) == 0
