"""A plan in other hands, and a plan at its end: everybody has the same date and hears of it."""

from datetime import timedelta

import pytest

from portal import clock
from portal.families import jobs, transfer
from tests.support.cast import FAMILY
from tests.support.families import seat, states
from tests.support.orders import order, refunded, subscription
from tests.support.reading import do, one, words

YEAR = timedelta(days=365)


def payer(superuser):
    return one(superuser, "select primary_user_id from family_plans where id = %s", FAMILY)


def until(superuser, person):
    return one(superuser, "select access_until from users where id = %s", person.id)


def asked_of_billing(superuser):
    return superuser.execute(
        "select args - 'reference' from procrastinate_jobs where task_name = 'billing.stop_own' order by id"
    ).fetchall()


def pay(superuser, person, kind="family", start=timedelta(0), length=YEAR):
    """A paid order, from `start` from now on."""
    begins = clock.now() + start
    return order(superuser, person, (begins, begins + length), kind, at=clock.now())


# --- handing over ----------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(sign_in, alice, bob):
    """Alice has asked Bob."""
    assert sign_in(alice).submit("/family/transfer", person=str(bob.id)).location == "/family"


def test_who_is_asked_is_told_and_finds_the_way_to_pay(asked, sign_in, superuser, work, mails, alice, bob):
    page = sign_in(bob).get("/family")
    assert "Alice asks you to take over the plan and its payments." in words(page)
    assert 'action="/plans/choose"' in page.text and f'name="transfer" value="{FAMILY}"' in page.text
    assert "You asked Bob." in words(sign_in(alice).get("/family"))
    work()
    assert [mail["subject"] for mail in mails("bob@club.example")] == ["Will you take over “Alice and friends”?"]


def test_nothing_changes_until_they_have_paid(asked, superuser, alice):
    assert payer(superuser) == alice.id and states(superuser) == ["active", "active"]


def test_once_paid_roles_and_payer_change_at_once_and_the_old_plan_ends(
    asked, hand, superuser, work, mails, alice, bob
):
    pay(superuser, bob, start=YEAR)
    with hand() as session:
        assert transfer.take_over(session, FAMILY, bob.id)
    assert payer(superuser) == bob.id
    roles = superuser.execute("select first_name, family_role from users where family_plan_id is not null order by 1")
    assert roles.fetchall() == [("Alice", "member"), ("Bob", "primary")]
    assert until(superuser, alice) == until(superuser, bob) > clock.now() + YEAR
    assert asked_of_billing(superuser) == [({"user_id": str(alice.id), "when": "period_end"},)]
    work()
    assert {"Bob pays the plan now"} <= {mail["subject"] for mail in mails("alice@club.example")}


def test_taken_over_twice_is_once(asked, hand, superuser, bob):
    for expected in (True, False):
        with hand() as session:
            assert transfer.take_over(session, FAMILY, bob.id) is expected
    assert len(asked_of_billing(superuser)) == 1


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_either_may_call_it_off_and_a_payment_after_that_is_given_back(
    asked, hand, sign_in, superuser, alice, bob, who
):
    browser = sign_in({"alice": alice, "bob": bob}[who])
    assert browser.submit("/family/transfer/off").location == "/family"
    with hand() as session:
        assert not transfer.take_over(session, FAMILY, bob.id)
    assert payer(superuser) == alice.id
    assert asked_of_billing(superuser) == [({"user_id": str(bob.id), "when": "now_with_refund"},)]


def test_only_members_can_be_asked_and_only_by_the_primary(sign_in, superuser, alice, bob, charlie):
    assert sign_in(alice).submit("/family/transfer", person=str(charlie.id)).status_code == 404
    assert sign_in(alice).submit("/family/transfer", person=str(alice.id)).status_code == 404
    assert sign_in(alice).submit("/family/transfer", person="somebody").status_code == 422
    assert sign_in(bob).submit("/family/transfer", person=str(bob.id)).status_code == 404
    assert one(superuser, "select transfer_to from family_plans") is None


def test_who_leaves_is_asked_no_longer(asked, sign_in, superuser, bob):
    sign_in(bob).submit("/family/leave")
    assert one(superuser, "select transfer_to from family_plans") is None


def test_a_proposal_to_somebody_else_is_not_the_others_to_end(asked, sign_in, superuser, eve):
    seat(superuser, eve)
    assert sign_in(eve).submit("/family/transfer/off").status_code == 404


# --- the date --------------------------------------------------------------------------------------------------------


def test_the_first_family_payment_makes_the_plan_once(hand, worker_app, superuser, eve):
    superuser.execute("update users set last_name = 'Duarte' where id = %s", [eve.id])
    pay(superuser, eve)
    for _delivery in range(2):
        do(worker_app, jobs.paid, user_id=str(eve.id))
    plans = superuser.execute(
        "select plan_name, current_members, subscription_expiry from family_plans where primary_user_id = %s", [eve.id]
    ).fetchall()
    assert plans == [("The Duarte family", 1, until(superuser, eve))]


def test_a_renewal_is_told_once_to_everybody_but_the_payer(hand, worker_app, superuser, work, mails, alice, bob):
    do(worker_app, jobs.follow, plan_id=str(FAMILY))
    pay(superuser, alice, start=YEAR)
    for _delivery in range(3):
        do(worker_app, jobs.follow, plan_id=str(FAMILY))
    work()
    subjects = [mail["subject"] for mail in mails("bob@club.example")]
    assert len(subjects) == 2 and all(subject.startswith("You are covered until") for subject in subjects)
    assert mails("alice@club.example") == []


def test_money_back_is_told_with_the_date_it_leaves(hand, worker_app, superuser, work, mails, alice, bob):
    refunded(superuser, one(superuser, "select id from orders"), clock.now())
    superuser.execute("update family_plans set told_until = now() + interval '365 days'")
    do(worker_app, jobs.follow, plan_id=str(FAMILY))
    work()
    (mail,) = mails("bob@club.example")
    assert mail["subject"] == "The family plan covers nobody at the moment" and "given back or withheld" in mail["text"]


# --- the end ---------------------------------------------------------------------------------------------------------


def test_who_ends_the_plan_reads_first_what_that_means(sign_in, alice, bob):
    page = words(sign_in(alice).get("/family/end"))
    assert "Everyone, including you, keeps everything until" in page and "Alice, Bob." in page
    assert sign_in(bob).get("/family/end").status_code == sign_in(bob).submit("/family/end").status_code == 404


def test_ended_by_the_primary_everybody_keeps_the_paid_date_and_is_told(sign_in, superuser, work, mails, alice, bob):
    browser = sign_in(alice)
    browser.submit("/family/invitations", email="tomas@duarte.example")
    browser.submit("/family/end")
    assert "The plan ends then, and everyone has been told." in words(browser.get("/family"))
    assert states(superuser) == ["active", "active", "revoked"] and until(superuser, bob) > clock.now()
    assert asked_of_billing(superuser) == [({"user_id": str(alice.id), "when": "period_end"},)]
    work()
    for person in (alice, bob):
        (mail,) = mails(person.email)
        assert mail["subject"] == "Alice lets the family plan end"


def test_nobody_new_comes_into_a_plan_that_is_ending(sign_in, alice):
    browser = sign_in(alice)
    browser.submit("/family/end")
    answer = browser.submit("/family/invitations", email="tomas@duarte.example")
    assert answer.status_code == 422 and "Invite" not in words(browser.get("/family"))


def test_at_the_date_the_memberships_end_and_the_plan_is_history(
    sign_in, superuser, worker_app, work, mails, alice, bob
):
    sign_in(alice).submit("/family/end")
    for moment in (clock.now() + YEAR - timedelta(days=1), clock.now() + YEAR + timedelta(minutes=1)):
        do(worker_app, jobs.end_lapsed, moment)
        work()
    row = "select is_active, current_members, dissolved_at is not null from family_plans"
    assert superuser.execute(row).fetchone() == (False, 0, True) and states(superuser) == ["ended", "ended"]
    assert "The family plan has ended" in [mail["subject"] for mail in mails("bob@club.example")]


@pytest.mark.parametrize(
    ("grace", "days", "still_there"), [(7, 6, True), (7, 8, False), (14, 13, True), (14, 15, False)]
)
def test_a_payment_that_fails_leaves_the_days_of_grace(superuser, worker_app, alice, grace, days, still_there):
    subscription(superuser, alice, "family", status="past_due", grace_days=grace)
    do(worker_app, jobs.end_lapsed, clock.now() + YEAR + timedelta(days=days))
    assert one(superuser, "select is_active from family_plans") is still_there


def test_what_renews_by_itself_is_not_ended_while_the_bill_is_on_its_way(superuser, worker_app, alice):
    subscription(superuser, alice, "family")
    do(worker_app, jobs.end_lapsed, clock.now() + YEAR + timedelta(hours=1))
    assert one(superuser, "select is_active from family_plans") is True


def test_what_nothing_renews_is_over_with_its_date(superuser, worker_app, alice):
    for hours, still_there in ((-1, True), (1, False)):
        do(worker_app, jobs.end_lapsed, clock.now() + YEAR + timedelta(hours=hours))
        assert one(superuser, "select is_active from family_plans") is still_there


def test_who_pays_on_keeps_the_plan(sign_in, hand, superuser, worker_app, alice):
    sign_in(alice).submit("/family/end")
    pay(superuser, alice, start=YEAR)
    do(worker_app, jobs.end_lapsed, clock.now() + YEAR + timedelta(days=8))
    do(worker_app, jobs.follow, plan_id=str(FAMILY))
    assert superuser.execute("select is_active, ending_at from family_plans").fetchone() == (True, None)


def test_a_plan_that_covers_nobody_ends_at_once(sign_in, hand, superuser, work, mails, alice, bob):
    refunded(superuser, one(superuser, "select id from orders"), clock.now())
    browser = sign_in(alice)
    assert "it ends at once" in words(browser.get("/family/end"))
    browser.submit("/family/end")
    assert states(superuser) == ["ended", "ended"]
    work()
    assert [mail["subject"] for mail in mails("bob@club.example")] == ["The family plan has ended"]


@pytest.mark.parametrize(("days", "offered"), [(59, True), (61, False)])
def test_who_comes_back_within_sixty_days_invites_the_same_people_with_one_press(
    sign_in, hand, superuser, worker_app, alice, bob, days, offered
):
    superuser.execute("select close_family(%s, now() - make_interval(days => %s))", [FAMILY, days])
    pay(superuser, alice, start=YEAR)
    do(worker_app, jobs.paid, user_id=str(alice.id))
    browser = sign_in(alice)
    assert ("you shared it with Bob" in words(browser.get("/family"))) is offered
    browser.submit("/family/invitations/again")
    invited = superuser.execute("select email from family_memberships where state = 'invited'").fetchall()
    assert invited == ([(bob.email,)] if offered else [])
    assert "Invite the same people" not in words(browser.get("/family"))


def test_asking_the_same_person_again_writes_no_other_mail(asked, sign_in, work, mails, bob, alice):
    page = sign_in(alice)
    assert [page.submit("/family/transfer", person=str(bob.id)).status_code for _ in range(5)] == [303] * 4 + [429]
    work()
    assert len(mails(bob.email)) == 1


def test_who_was_not_asked_ends_nothing(sign_in, superuser, bob):
    assert sign_in(bob).submit("/family/transfer/off").status_code == 404


def test_what_one_let_the_family_do_ends_with_it(sign_in, superuser, bob):
    switches = "select shares_attendance or family_may_answer from users where id = %s"
    superuser.execute("update users set shares_attendance = true, family_may_answer = true where id = %s", [bob.id])
    assert one(superuser, switches, bob.id) is True
    sign_in(bob).submit("/family/leave")
    assert one(superuser, switches, bob.id) is False
