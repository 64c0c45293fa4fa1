"""Into a family: a seat is held, a mail goes out, and whoever has its link says yes or no."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal import clock
from portal.accounts.free_days import mark
from portal.families import jobs
from tests.support.cast import FAMILY, crowd
from tests.support.families import link_to, seat, states, unseat
from tests.support.orders import order, subscription
from tests.support.reading import do, link, one, rows, until_somebody_waits, words

TOMAS = "tomas@duarte.example"
NEWCOMER = {"first_name": "Tomás", "timezone": "Europe/Lisbon", "password": "seven quiet boats"}


@pytest.fixture
def invited(sign_in, superuser, alice):
    """`invited(address)`: Alice invites, and the answer is the path of the link in the mail."""

    def invite(address):
        assert sign_in(alice).submit("/family/invitations", email=address).location == "/family"
        return link_to(superuser, address)

    return invite


def seats(answer):
    return [row for row in rows(answer, "li") if row[0].isdigit()]


# --- inviting --------------------------------------------------------------------------------------------------------


def test_an_invitation_holds_a_seat_and_sends_one_mail(sign_in, superuser, work, mails, alice):
    browser = sign_in(alice)
    browser.submit("/family/invitations", email=" Tomas@Duarte.example ")
    page = browser.get("/family")
    assert "An invitation is on its way to Tomas@duarte.example." in words(page)
    assert "Two people are in. One more is invited. Three seats are free." in words(page)
    assert seats(page)[2].startswith("3 Tomas@duarte.example Invited on")
    work()
    (mail,) = mails("tomas@duarte.example")
    assert mail["subject"] == "A seat at the club is held for you" and "Plan: Alice and friends" in mail["text"]


def test_only_a_hash_of_the_link_is_kept(invited, superuser, work):
    token = invited(TOMAS).rpartition("/")[2]
    work()
    assert len(token) == 43  # 256 bits
    dump = superuser.execute(
        "select to_jsonb(m)::text from family_memberships m union all select to_jsonb(m)::text from mails m"
    ).fetchall()
    assert dump and not any(token in row for (row,) in dump)


def test_a_member_sees_that_somebody_is_invited_and_not_who(sign_in, invited, bob):
    invited(TOMAS)
    page = sign_in(bob).get("/family")
    assert seats(page)[2] == "3 Somebody is invited" and TOMAS not in page.text


@pytest.mark.parametrize("address", ["bob@club.example", "BOB@club.example", TOMAS])
def test_nobody_is_invited_twice(sign_in, superuser, invited, alice, address):
    invited(TOMAS)
    answer = sign_in(alice).submit("/family/invitations", email=address)
    assert answer.status_code == 422 and "already" in words(answer) and f'value="{address}"' in answer.text
    assert one(superuser, "select invited_members from family_plans") == 1


def test_what_is_no_address_is_said_at_the_field(sign_in, alice):
    answer = sign_in(alice).submit("/family/invitations", email="tomas at home")
    assert answer.status_code == 422 and "Enter an e-mail address with an @" in words(answer)
    assert 'value="tomas at home"' in answer.text


def test_no_more_are_invited_than_there_are_seats(sign_in, superuser, alice):
    browser = sign_in(alice)
    for n in range(4):
        assert browser.submit("/family/invitations", email=f"guest{n}@club.example").status_code == 303
    answer = browser.submit("/family/invitations", email="seventh@club.example")
    assert answer.status_code == 422 and one(superuser, "select invited_members from family_plans") == 4


def test_ten_invitations_a_day_are_enough_also_when_sent_again_or_taken_back(sign_in, superuser, invited, alice):
    browser = sign_in(alice)
    invited(TOMAS)
    first = one(superuser, "select id from family_memberships where state = 'invited'")
    for _again in range(4):
        browser.submit(f"/family/invitations/{first}/again")
    for n in range(5):
        browser.submit("/family/invitations", email=f"guest{n}@club.example")
        browser.submit(
            f"/family/invitations/{one(superuser, 'select id from family_memberships order by sent_at desc limit 1')}/withdraw"
        )
    assert browser.submit(f"/family/invitations/{first}/again").status_code == 409
    answer = browser.submit("/family/invitations", email="eleventh@club.example")
    assert answer.status_code == 422 and "ten invitations in a day" in words(answer)
    superuser.execute("update family_memberships set sent_at = array[now() - interval '25 hours']")
    assert browser.submit("/family/invitations", email="eleventh@club.example").status_code == 303


@pytest.fixture
def unpaid(superuser, sign_in, alice):
    """Alice's browser; nothing was paid for her family yet."""
    superuser.execute("delete from orders")
    return sign_in(alice)


def invite_many(browser, *names):
    return [browser.submit("/family/invitations", email=f"{name}@x.example").status_code for name in names]


def test_while_nothing_was_paid_each_seat_has_an_invitation_and_one_in_its_place(unpaid, superuser, alice, bob):
    unseat(superuser, bob)
    assert invite_many(unpaid, *range(5)) == [303] * 5
    for (pending,) in superuser.execute("select id from family_memberships where state = 'invited'").fetchall():
        unpaid.submit(f"/family/invitations/{pending}/withdraw")
    superuser.execute(
        "update family_memberships set sent_at = array[sent_at[1] - interval '2 days'] where sent_at <> '{}'"
    )
    assert invite_many(unpaid, *"abcde") == [303] * 5
    pending = one(superuser, "select id from family_memberships where state = 'invited' limit 1")
    unpaid.submit(f"/family/invitations/{pending}/withdraw")
    superuser.execute(
        "update family_memberships set sent_at = array[sent_at[1] - interval '2 days'] where sent_at <> '{}'"
    )
    answer = unpaid.submit("/family/invitations", email="eleventh@x.example")
    assert answer.status_code == 422 and "Until your plan is first paid for" in words(answer)
    order(superuser, alice, (clock.now(), clock.now() + timedelta(days=30)), "family")
    assert invite_many(unpaid, "eleventh") == [303]


def test_a_family_begun_anew_counts_on_while_nothing_was_paid(unpaid, superuser, hand, alice):
    from portal.families import actions

    invite_many(unpaid, *range(4))
    superuser.execute("select close_family(%s, now())", [FAMILY])
    with hand() as session:
        actions.start(session, alice.id, "Again")
    superuser.execute(
        "update family_memberships set sent_at = array[sent_at[1] - interval '2 days'] where sent_at <> '{}'"
    )
    assert invite_many(unpaid, *"abcdef") == [303] * 5 + [422]


def test_while_nothing_was_paid_one_is_sent_again_once_and_after_an_hour(unpaid, superuser):
    invite_many(unpaid, "tomas")
    pending = one(superuser, "select id from family_memberships where state = 'invited'")
    again = f"/family/invitations/{pending}/again"
    assert "less than an hour old" in words(unpaid.submit(again))
    superuser.execute(
        "update family_memberships set sent_at = array[now() - interval '61 minutes'] where state = 'invited'"
    )
    assert unpaid.submit(again).status_code == 303
    superuser.execute(
        "update family_memberships set sent_at = sent_at[1:1] || now() - interval '61 minutes' where state = 'invited'"
    )
    assert unpaid.submit(again).status_code == 409
    assert one(superuser, "select count(*) from mails where kind = 'family-invitation'") == 2


def test_a_newcomer_whose_address_had_its_free_days_comes_in_without_new_ones(invited, client, app, superuser, people):
    with app.app_context():
        superuser.execute(
            "insert into free_days (mark, kept_until) values (%s, now() + interval '1 year')", [mark(TOMAS)]
        )
    assert client.submit(f"{invited(TOMAS)}/account", **NEWCOMER).location == "/family"
    assert one(superuser, "select count(*) from access_grants where kind = 'welcome'") == 0


def test_only_the_primary_invites_sends_again_and_takes_back(sign_in, superuser, invited, bob, charlie, dora):
    invited(TOMAS)
    pending = one(superuser, "select id from family_memberships where state = 'invited'")
    for person in (bob, charlie, dora):
        browser = sign_in(person)
        for path in (
            "/family/invitations",
            f"/family/invitations/{pending}/again",
            f"/family/invitations/{pending}/withdraw",
        ):
            assert browser.submit(path, email="mine@club.example").status_code == 404
    assert states(superuser)[-1] == "invited"


def test_sent_again_the_new_link_opens_and_the_old_one_does_not(sign_in, superuser, invited, client, alice):
    old = invited(TOMAS)
    pending = one(superuser, "select id from family_memberships where state = 'invited'")
    assert sign_in(alice).submit(f"/family/invitations/{pending}/again").status_code == 303
    new = link_to(superuser, TOMAS)
    assert client.get(old).status_code == 410 and client.submit(f"{old}/account", **NEWCOMER).status_code == 409
    assert client.get(new).status_code == 200


def test_taken_back_the_link_opens_nothing_and_the_seat_is_free(sign_in, superuser, invited, client, alice, eve):
    path = invited(TOMAS)
    pending = one(superuser, "select id from family_memberships where state = 'invited'")
    assert sign_in(alice).submit(f"/family/invitations/{pending}/withdraw").location == "/family"
    assert "taken back" in words(client.get(path), "h1")
    answer = sign_in(eve).submit(path)
    assert answer.status_code == 409 and "taken back" in words(answer)
    assert one(superuser, "select invited_members from family_plans") == 0


# --- looking at it ---------------------------------------------------------------------------------------------------


def test_the_page_says_who_invites_into_what_and_until_when(invited, client):
    page = client.get(invited(TOMAS))
    assert words(page, "h1") == "Alice has a seat for you."
    assert "“" not in words(page, "h1") and "Alice and friends" in words(page) and "alice@" not in page.text


@pytest.mark.parametrize("who", ["visitor", "eve", "alice", "dora"])
def test_opening_or_scanning_the_link_changes_nothing(invited, sign_in, client, superuser, people, who):
    browser = client if who == "visitor" else sign_in(next(p for p in people if p.first_name.lower() == who))
    path = invited(TOMAS)
    before = superuser.execute("select * from family_memberships order by id").fetchall()
    for address in (path, f"{path}/account", f"{path}/decline"):
        for ask in (browser.get, browser.head):
            assert ask(address).status_code == (200 if address == path else 405)
    assert superuser.execute("select * from family_memberships order by id").fetchall() == before


def test_every_link_of_every_family_mail_changes_nothing_by_being_opened(
    invited, client, superuser, work, sign_in, eve, bob
):
    """What a mail scanner does: GET and HEAD whatever is in it."""
    sign_in(eve).submit(invited("eve@club.example"))
    invited(TOMAS)
    sign_in(bob).submit("/family/leave")
    work()
    texts = superuser.execute("select text from sandbox_mails").fetchall()
    links = {found for (text,) in texts for found in re.findall(r"https://localhost(/\S*)", text)}
    assert len(links) >= 2
    before = superuser.execute("select * from family_memberships order by id").fetchall()
    for path in links:
        client.get(path), client.head(path)
    assert superuser.execute("select * from family_memberships order by id").fetchall() == before


def test_a_link_nobody_sent_opens_nothing(client, sign_in, eve):
    assert client.get("/family/join/made-up").status_code == 410
    assert sign_in(eve).submit("/family/join/made-up").status_code == 409
    assert client.submit("/family/join/made-up/decline").status_code == 409


# --- yes -------------------------------------------------------------------------------------------------------------


def test_who_accepts_is_in_and_covered_until_the_plans_date(invited, sign_in, superuser, work, mails, alice, eve):
    browser = sign_in(eve)
    assert browser.submit(invited("eve@club.example")).location == "/family"
    assert "You are in." in words(browser.get("/family"))
    assert one(superuser, "select access_until from users where id = %s", eve.id) == one(
        superuser, "select access_until from users where id = %s", alice.id
    )
    work()
    (mail,) = mails("alice@club.example")
    assert mail["subject"] == "Eve is in" and "eve@club.example" in mail["text"]


def test_pressing_twice_is_once(invited, sign_in, superuser, eve):
    path, browser = invited("eve@club.example"), sign_in(eve)
    assert [browser.submit(path).status_code for _press in range(2)] == [303, 303]
    assert one(superuser, "select current_members from family_plans") == 3


def test_the_link_may_be_used_by_another_account_and_the_page_says_so(invited, sign_in, superuser, eve):
    path, browser = invited("eva@elsewhere.example"), sign_in(eve)
    page = words(browser.get(path))
    assert "The invitation went to eva@elsewhere.example." in page and "signed in as eve@club.example" in page
    assert browser.submit(path).status_code == 303


def test_a_visitor_with_an_account_signs_in_and_comes_back(invited, client, eve):
    path = invited("eve@club.example")
    assert link(client.get(path), "Sign in to answer") == f"/sign-in?next={path}"
    assert client.submit(path).location.startswith("/sign-in")


def test_a_newcomer_gets_account_and_seat_in_one(invited, client, superuser, alice):
    path = invited(TOMAS)
    assert client.submit(f"{path}/account", **NEWCOMER).location == "/family"
    assert "you are in the family" in words(client.get("/family"))
    row = superuser.execute(
        "select first_name, timezone, email_verified, family_role from users where email = %s", [TOMAS]
    )
    assert row.fetchone() == ("Tomás", "Europe/Lisbon", True, "member")
    assert client.submit("/sign-in", email=TOMAS, password=NEWCOMER["password"]).status_code == 303


def test_a_newcomers_mistakes_are_said_and_the_seat_stays_held(invited, client, superuser):
    answer = client.submit(f"{invited(TOMAS)}/account", first_name="Tomás", timezone="Europe/Lisbon", password="short")
    assert (
        answer.status_code == 422
        and "at least 12 characters" in words(answer).lower()
        and 'value="Tomás"' in answer.text
    )
    assert states(superuser)[-1] == "invited"


def test_an_invitation_is_no_way_around_a_password(invited, client, superuser, eve):
    path = invited("eve@club.example")
    answer = client.submit(f"{path}/account", **NEWCOMER)
    assert answer.status_code == 409 and "This address has an account." in words(answer)
    assert one(superuser, "select first_name from users where id = %s", eve.id) == "Eve"


def test_who_is_signed_in_makes_no_second_account_by_an_invitation(invited, sign_in, superuser, eve):
    path = invited(TOMAS)
    assert sign_in(eve).submit(f"{path}/account", **NEWCOMER).location == path
    assert (
        one(superuser, "select count(*) from users where email = %s", TOMAS) == 0 and states(superuser)[-1] == "invited"
    )


def test_a_sign_up_somebody_else_began_on_that_address_is_worth_nothing(invited, client, superuser, app, work, mails):
    stranger = app.test_client()
    stranger.submit("/sign-up", email=TOMAS, first_name="Mallory", timezone="UTC")
    client.submit(f"{invited(TOMAS)}/account", **NEWCOMER)
    assert one(superuser, "select first_name from users where email = %s", TOMAS) == "Tomás"
    assert app.test_client().submit("/sign-in", email=TOMAS, password="eight quiet boats").status_code == 422


def test_who_is_in_a_family_reads_so_and_stays(invited, sign_in, superuser, hand, eve):
    from portal.families import actions

    with hand() as session:
        other = actions.start(session, eve.id, "Eve’s")
    path, browser = invited("eve@club.example"), sign_in(eve)
    assert "You are in a family already" in words(browser.get(path))
    assert browser.submit(path).status_code == 409
    assert one(superuser, "select family_plan_id from users where id = %s", eve.id) == other


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        ({}, "period_end"),
        ({"own_plan": "period_end"}, "period_end"),
        ({"own_plan": "now_with_credit"}, "now_with_credit"),
        ({"own_plan": "not_yet"}, None),
    ],
)
def test_who_pays_alone_says_what_becomes_of_that(invited, sign_in, superuser, charlie, choice, asked):
    pay_alone(superuser, charlie)
    path, browser = invited("charlie@club.example"), sign_in(charlie)
    assert "You have a plan of your own, paid until" in words(browser.get(path))
    assert browser.submit(path, **choice).status_code == 303
    job = superuser.execute(
        "select args - 'reference' from procrastinate_jobs where task_name = 'billing.stop_own'"
    ).fetchone()
    assert job == (asked and ({"user_id": str(charlie.id), "when": asked},))


def test_whose_own_payment_failed_is_asked_too_since_it_is_still_tried(invited, sign_in, superuser, charlie, now):
    order(superuser, charlie, (now - timedelta(days=32), now - timedelta(days=2)))
    subscription(superuser, charlie, status="past_due", failed_at=now - timedelta(days=2))
    path, browser = invited("charlie@club.example"), sign_in(charlie)
    assert "You have a plan of your own, paid until" in words(browser.get(path))
    browser.submit(path)
    assert (
        one(superuser, "select args ->> 'when' from procrastinate_jobs where task_name = 'billing.stop_own'")
        == "period_end"
    )
    assert "Your own plan still does" not in words(browser.get("/family/leave"))


def test_who_does_not_pay_alone_is_not_asked(invited, sign_in, superuser, eve):
    path, browser = invited("eve@club.example"), sign_in(eve)
    assert "plan of your own" not in words(browser.get(path))
    browser.submit(path, own_plan="now_with_credit")
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'billing.stop_own'") == 0


def pay_alone(superuser, person):
    superuser.execute(
        "insert into orders (user_id, order_number, status, amount, amount_minor, subscription_type, billing_cycle,"
        " payment_provider, transaction_id, completed_at, period_start, period_end) values (%s, 'GO-own', 'completed', 12,"
        " 1200, 'individual', 'monthly', 'stripe', 'own', now(), now(), now() + interval '20 days')",
        [person.id],
    )


def test_two_come_with_one_link_one_gets_the_seat_and_the_primary_is_told(
    invited, sign_in, superuser, work, mails, eve, charlie
):
    path = invited("eve@club.example")
    assert sign_in(eve).submit(path).status_code == 303
    answer = sign_in(charlie).submit(path)
    assert answer.status_code == 409 and "Somebody else has taken this seat" in words(answer, "h1")
    work()
    assert {mail["subject"] for mail in mails("alice@club.example")} == {
        "Eve is in",
        "Two people came with one invitation",
    }


# --- no, and no answer -----------------------------------------------------------------------------------------------


def test_who_says_no_frees_the_seat_and_the_primary_is_told(invited, client, superuser, work, mails):
    path = invited(TOMAS)
    assert "You said no, and that is fine." in words(client.submit(f"{path}/decline"))
    assert client.submit(f"{path}/decline").status_code == 200
    assert one(superuser, "select invited_members from family_plans") == 0
    work()
    (mail,) = mails("alice@club.example")
    assert TOMAS in mail["text"] and mail["subject"] == "A seat is free again"


def test_after_fourteen_days_the_link_opens_nothing_whether_or_not_a_job_has_been_by(invited, sign_in, superuser, eve):
    path = invited("eve@club.example")
    superuser.execute("update family_memberships set expires_at = now() where state = 'invited'")
    assert "ran out" in words(sign_in(eve).get(path), "h1")
    assert sign_in(eve).submit(path).status_code == 409
    assert one(superuser, "select family_plan_id from users where id = %s", eve.id) is None


def test_the_seat_of_an_invitation_that_ran_out_can_be_given_again(sign_in, superuser, alice):
    browser = sign_in(alice)
    for n in range(4):
        browser.submit("/family/invitations", email=f"guest{n}@club.example")
    superuser.execute("update family_memberships set expires_at = now() where email = 'guest0@club.example'")
    assert browser.submit("/family/invitations", email="another@club.example").status_code == 303


def test_the_job_lets_it_go_and_tells_the_primary_once(invited, superuser, worker_app, work, mails):
    invited(TOMAS)
    in_two_weeks = clock.now() + timedelta(days=14, minutes=1)
    for _tick in range(2):
        do(worker_app, jobs.expire, in_two_weeks)
        work()
    assert states(superuser)[-1] == "expired" and one(superuser, "select invited_members from family_plans") == 0
    assert [mail["subject"] for mail in mails("alice@club.example")] == ["An invitation ran out"]


def test_a_full_family_is_full(sign_in, superuser, alice):
    seat(superuser, *crowd(superuser, 4))
    page = sign_in(alice).get("/family")
    assert "Six people are in. No seats are free." in words(page) and "Invite" not in words(page)
    assert one(superuser, "select current_members from family_plans where id = %s", FAMILY) == 6


def test_invitations_run_out_while_somebody_holds_the_family(invited, superuser, worker_app, connect, alice):
    invited("new@x.example")
    superuser.execute("update family_memberships set expires_at = now() where state = 'invited'")
    holder = connect("portal_worker")
    holder.execute("select from users where id = %s for no key update", [alice.id])
    holder.execute("select from family_plans where id = %s for no key update", [FAMILY])
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(do, worker_app, jobs.expire)
        until_somebody_waits(superuser)
        holder.execute("select from lock_family(%s, now())", [FAMILY])
        holder.commit()
        running.result()
    assert one(superuser, "select count(*) from family_memberships where state = 'expired'") == 1
