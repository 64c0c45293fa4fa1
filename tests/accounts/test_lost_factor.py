"""Phone and recovery codes are gone: who owns the mailbox gets back in after three days, and everybody concerned is told."""

from datetime import timedelta

import pytest

from portal import clock
from portal.accounts.jobs import end_lost_factors, send_reset, tell_factor_end
from tests.accounts.conftest import enters, gives, sets_up
from tests.support.reading import do, one

NEW_PASSWORD = "eleven loud mornings"
HOUR = timedelta(hours=1)
SWITCHED_OFF = "Your second factor will be switched off"


@pytest.fixture
def phone(sign_in, with_password, alice):
    """Alice's app."""
    return sets_up(sign_in(with_password(alice)))


@pytest.fixture
def says_lost(worker_app, client, outbox, superuser):
    """`says_lost(person)`: by the link of a mail, with the box ticked; and the worker tells."""

    def reset(person, lost=True, now=None):
        with clock.at(now or clock.now()):
            client.submit("/reset", email=person.email)
            do(worker_app, send_reset, email=args(superuser, "accounts.send_reset", "email"))
            link = next(mail.link for mail in outbox(person.email) if "/reset/" in mail.text)
            client.submit(link, password=NEW_PASSWORD, **({"factor_lost": "y"} if lost else {}))
            if told := args(superuser, "accounts.tell_factor_end", "user_id"):
                do(worker_app, tell_factor_end, user_id=told)

    return reset


def args(superuser, task, name):
    row = superuser.execute(
        "delete from procrastinate_jobs where task_name = %s returning args ->> %s", [task, name]
    ).fetchone()
    return row and row[0]


def warnings(outbox, address):
    return [mail for mail in outbox(address) if mail.text.startswith(SWITCHED_OFF)]


def has_factor(superuser):
    return one(superuser, "select count(*) from second_factors where secret is not null") == 1


def test_it_ends_after_three_days_and_not_before(phone, says_lost, worker_app, another, outbox, superuser, alice, now):
    says_lost(alice, now=now)
    assert len(warnings(outbox, alice.email)) == 1
    with clock.at(now + 71 * HOUR):
        do(worker_app, end_lost_factors)
        waiting = another()
        assert enters(waiting, alice.email, NEW_PASSWORD) and waiting.get("/account").status_code == 303
        assert has_factor(superuser)
    with clock.at(now + 73 * HOUR):
        do(worker_app, end_lost_factors)
        inside = another()
        assert enters(inside, alice.email, NEW_PASSWORD) and inside.get("/account").status_code == 200
    assert not has_factor(superuser) and "nobody has given a code since" in outbox(alice.email)[0].text


def test_everybody_concerned_is_told_once_a_day(phone, says_lost, worker_app, outbox, superuser, alice, now):
    superuser.execute(
        "insert into former_addresses (user_id, email, until) values (%s, 'before@x.example', %s), (%s, 'long@x.example', %s)",
        [alice.id, now - timedelta(days=20), alice.id, now - timedelta(days=31)],
    )
    says_lost(alice, now=now)
    for hour in range(1, 72):
        with clock.at(now + hour * HOUR):
            do(worker_app, end_lost_factors)
    assert [len(warnings(outbox, to)) for to in (alice.email, "before@x.example", "long@x.example")] == [4, 4, 0]


def test_a_code_given_by_its_owner_stops_it(phone, says_lost, worker_app, another, superuser, alice, now):
    says_lost(alice, now=now)
    with clock.at(now + HOUR):
        owner = another()
        assert enters(owner, alice.email, NEW_PASSWORD) and gives(owner, phone.code)
    with clock.at(now + 80 * HOUR):
        do(worker_app, end_lost_factors)
    assert has_factor(superuser)


def test_the_link_of_any_of_those_mails_stops_it_by_its_button(
    phone, says_lost, worker_app, another, outbox, superuser, alice, now
):
    says_lost(alice, now=now)
    first = warnings(outbox, alice.email)[0].link
    with clock.at(now + 25 * HOUR):
        do(worker_app, end_lost_factors)
        assert another().get(first).status_code == 200
        assert one(superuser, "select count(*) from second_factor_endings") == 1
        stopped = another()
        stopped.submit(first)
        assert "Your second factor stays as it is." in stopped.get("/sign-in").text
    with clock.at(now + 80 * HOUR):
        do(worker_app, end_lost_factors)
    assert has_factor(superuser) and args(superuser, "accounts.tell_factor_kept", "user_id") == str(alice.id)


def test_a_link_that_stopped_it_once_stops_nothing_later(phone, says_lost, client, outbox, superuser, alice, now):
    says_lost(alice, now=now)
    link = warnings(outbox, alice.email)[0].link
    client.submit(link)
    says_lost(alice, now=now + HOUR)
    with clock.at(now + HOUR):
        client.submit(link)
    assert one(superuser, "select count(*) from second_factor_endings") == 1


def test_asking_again_makes_it_no_sooner_and_no_later(phone, says_lost, superuser, alice, now):
    for hours in (0, 20):
        says_lost(alice, now=now + hours * HOUR)
    assert one(superuser, "select ends_at from second_factor_endings") == now + 72 * HOUR


def test_a_new_password_alone_ends_no_factor(phone, says_lost, outbox, superuser, alice):
    says_lost(alice, lost=False)
    assert one(superuser, "select count(*) from second_factor_endings") == 0 and warnings(outbox, alice.email) == []


def test_an_admins_factor_stays_whoever_reads_the_mail(sign_in, with_password, says_lost, outbox, superuser, dora):
    sets_up(sign_in(with_password(dora)))
    says_lost(dora)
    assert one(superuser, "select count(*) from second_factor_endings") == 0 and warnings(outbox, dora.email) == []


def test_who_became_an_admin_meanwhile_keeps_it(phone, says_lost, worker_app, superuser, alice, now):
    says_lost(alice, now=now)
    superuser.execute("update users set is_admin = true where id = %s", [alice.id])
    with clock.at(now + 73 * HOUR):
        do(worker_app, end_lost_factors)
    assert has_factor(superuser)


def test_who_has_none_sees_the_same_and_is_told_nothing(says_lost, with_password, outbox, superuser, alice):
    says_lost(with_password(alice))
    assert one(superuser, "select count(*) from second_factor_endings") == 0 and warnings(outbox, alice.email) == []


def test_the_worker_cannot_end_it_before_its_time(phone, says_lost, as_, superuser, alice):
    says_lost(alice)
    with as_("worker") as db:
        assert db.execute("select auth.end_lost_factor(%s)", [alice.id]).fetchone() == (False,)
    assert has_factor(superuser) and one(superuser, "select count(*) from second_factor_endings") == 1
