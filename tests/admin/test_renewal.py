"""An admin ends somebody's plan, or lets it renew after all: Stripe is told, and so is the payer."""

import pytest

from tests.support.member import FAILS_LATER, Member
from tests.support.reading import words
from tests.support.waitlist import one


@pytest.fixture
def plan(desk, bank, sign_in, eve):
    """`plan("end")`: what Dora decides of Eve's plan, and what came of it."""
    bank.buy(sign_in(eve))

    def decide(change, reason="She asked for it by telephone."):
        answer = desk.submit(f"/admin/people/{eve.id}/money/plan/{change}", reason=reason)
        bank.tell()
        return answer

    return decide


def test_it_ends_with_what_is_paid_and_renews_after_all(plan, desk, eve, superuser, mails):
    money = f"/admin/people/{eve.id}/money"
    assert "The next payment is taken on" in words(desk.get(f"/admin/people/{eve.id}/standing/suspend"))
    assert plan("end").location == money
    assert one(
        superuser,
        "select ends_at is not null and access_until > now() from subscriptions join users u on u.id = user_id",
    )
    assert "They are told by mail." in words(desk.get(money)) and "Let the plan renew again" in words(desk.get(money))
    assert "The next payment" not in words(desk.get(f"/admin/people/{eve.id}/standing/suspend"))
    plan("renew")
    assert one(superuser, "select ends_at is null from subscriptions")
    told = [mail["subject"].split(" on ")[0] for mail in mails(eve.email) if "an admin of the club" in mail["text"]]
    assert told == ["Your plan renews", "Your plan ends"]
    assert "set the plan of Eve to end: she asked for it by telephone. " in words(desk.get("/admin/log"))


def test_pressed_twice_it_is_one_change_and_one_mail(plan, desk, eve, superuser):
    for _ in range(2):
        assert desk.submit(f"/admin/people/{eve.id}/money/plan/end", reason="She asked.").status_code == 303
    assert one(superuser, "select count(*) from mails where kind = 'plan-changed-by-club'") == 1


def test_without_a_reason_and_without_a_plan_nothing_changes(plan, desk, bob, superuser):
    assert plan("end", reason=" ").status_code == 422
    assert plan("renew").status_code == plan("pause").status_code == 404
    assert desk.get(f"/admin/people/{bob.id}/money/plan/end").status_code == 404
    assert one(superuser, "select ends_at is null from subscriptions")


def test_a_plan_whose_payment_failed_ends_now(desk, bank, sign_in, superuser, eve, mails):
    member = Member(bank, sign_in(eve), superuser, eve)
    member.buys(card=FAILS_LATER)
    with member.on(32):
        assert "Payment failed" in member.sees("/plan")
    with member.on(33):
        end = f"/admin/people/{eve.id}/money/plan/end"
        assert "The payment that was due did not go through, so it ends at once" in words(desk.get(end))
        answer = desk.submit(end, reason="She moved away.")
        assert "The plan of Eve has ended. They are told by mail." in words(desk.get(answer.location))
        bank.tell()
        assert not member.entitled
    assert "Your plan has ended" in [mail["subject"] for mail in mails(eve.email)]
