"""Right before a mail leaves: is it still wanted, still true, and is it time?"""

from datetime import UTC, datetime, time, timedelta

import pytest

from portal import clock, mail
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.mail import bounces, jobs


@pytest.fixture
def choose(superuser, alice):
    """`choose(digest="never")`: what Alice chose about her mails."""

    def put(**columns):
        names = ", ".join(columns)
        superuser.execute(
            f"insert into mail_preferences (user_id, {names}) values (%s{', %s' * len(columns)})",
            [alice.id, *columns.values()],
        )

    return put


@pytest.fixture
def bounced(worker_app, database):
    """`bounced(address, hard=True)`: a mail came back from there."""

    def note(address, *, hard=True, reason="550 nobody here"):
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            bounces.note(db.session(), address, hard, reason)
            db.session.commit()

    return note


def due(superuser):
    """When the jobs that wait for their time will be done."""
    found = superuser.execute(
        "select scheduled_at from procrastinate_jobs where status = 'todo' and task_name = 'mail.deliver' order by 1"
    )
    return [moment for (moment,) in found]


# --- switched off -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "off"),
    [
        ("announcement", {"switched_off": ["announcement"]}),
        ("digest", {"digest": "never"}),
        ("reminder", {"reminders": []}),
        ("confirmed", {"calendar_mails": False}),
    ],
)
def test_what_was_switched_off_since_is_not_sent(kind, off, alice, write, work, kept, choose):
    write(kind=kind, user_id=alice.id)
    choose(**off)
    work()
    assert (kept().state, kept().failure) == ("dropped", "They have switched mails of this kind off.")


def test_what_may_not_be_switched_off_is_sent_all_the_same(alice, write, work, kept, choose):
    choose(switched_off=["security", "change"])
    write(kind="moved", user_id=alice.id)
    work()
    assert kept().state == "sent"


def test_who_chose_nothing_gets_everything(alice, write, work, kept):
    write(kind="announcement", user_id=alice.id)
    work()
    assert kept().state == "sent"


# --- still true ---------------------------------------------------------------------------------------------------------


def test_a_mail_that_is_no_longer_true_is_dropped_with_the_reason(write, work, kept, monkeypatch):
    monkeypatch.setattr(jobs, "_rechecks", {})
    mail.recheck("offer")(lambda _db, mail: f"{mail.recipient} holds no offer any more.")
    write(kind="offer", secret=True)
    work()
    assert (kept().state, kept().failure) == ("dropped", "ana@club.example holds no offer any more.")
    assert (kept().text, kept().html) == (None, None)


def test_a_mail_that_is_still_true_leaves(write, work, kept, monkeypatch):
    monkeypatch.setattr(jobs, "_rechecks", {})
    mail.recheck("offer")(lambda _db, _mail: None)
    write(kind="offer")
    work()
    assert kept().state == "sent"


# --- addresses that send mails back --------------------------------------------------------------------------------------


def test_an_address_that_is_gone_is_spared(write, work, kept, bounced):
    bounced("Ana@club.example")
    write(kind="moved")
    work()
    assert (kept().state, kept().failure) == ("dropped", "Mails to this address came back: 550 nobody here")


def test_mails_about_the_way_in_are_tried_everywhere(write, work, kept, bounced):
    bounced("ana@club.example")
    write(kind="reset", secret=True)
    work()
    assert kept().state == "sent"


def test_a_mailbox_that_is_full_for_now_is_written_to(write, work, kept, bounced):
    bounced("ana@club.example", hard=False)
    write(kind="moved")
    work()
    assert kept().state == "sent"


def hard(superuser):
    return superuser.execute("select hard from unreachable_addresses").fetchall() == [(True,)]


def test_five_soft_ones_within_two_weeks_are_a_hard_one(bounced, superuser, now):
    for day in (0, 3, 6, 9):
        with clock.at(now + timedelta(days=day)):
            bounced("ana@club.example", hard=False)
    assert not hard(superuser)
    with clock.at(now + timedelta(days=12)):
        bounced("ana@club.example", hard=False)
    assert hard(superuser)


def test_soft_ones_far_apart_never_add_up(bounced, superuser, now):
    for week in range(0, 30, 3):
        with clock.at(now + timedelta(weeks=week)):
            bounced("ana@club.example", hard=False)
    assert not hard(superuser)


def test_a_hard_one_stays_hard_until_it_is_lifted(bounced, superuser, worker_app):
    bounced("ana@club.example")
    bounced("ana@club.example", hard=False)
    assert hard(superuser)
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        bounces.lift(db.session(), "ANA@club.example")
        db.session.commit()
    assert superuser.execute("select * from unreachable_addresses").fetchall() == []


# --- quiet hours ---------------------------------------------------------------------------------------------------------

MIDNIGHT = datetime(2027, 1, 15, 0, 0, tzinfo=UTC)
"""Three in the morning in Istanbul, where Alice lives."""


@pytest.mark.parametrize(
    ("begins", "ends", "hours"),
    [("22:00", "08:00", 5), ("02:00", "04:30", 1.5), ("04:00", "08:00", 0), ("22:00", "03:00", 0)],
)
def test_what_can_wait_leaves_when_quiet_hours_end(
    begins, ends, hours, alice, write, work, kept, superuser, choose, now
):
    choose(quiet_from=begins, quiet_until=ends)
    with clock.at(MIDNIGHT):
        write(kind="announcement", user_id=alice.id)
        work()
    assert kept().state == ("queued" if hours else "sent") and kept().attempts == (0 if hours else 1)
    assert [round((moment - now) / timedelta(hours=1), 1) for moment in due(superuser)] == ([hours] if hours else [])


def test_it_leaves_once_they_have_ended(alice, write, work, kept, superuser, choose):
    choose(quiet_from="22:00", quiet_until="08:00")
    with clock.at(MIDNIGHT):
        write(kind="announcement", user_id=alice.id)
        work()
    superuser.execute("update procrastinate_jobs set scheduled_at = null where status = 'todo'")
    with clock.at(MIDNIGHT + timedelta(hours=5)):
        work()
    assert (kept().state, kept().attempts) == ("sent", 1)


def test_what_cannot_wait_leaves_at_night(alice, write, work, kept, choose):
    choose(quiet_from="22:00", quiet_until="08:00")
    with clock.at(MIDNIGHT):
        write(kind="moved", user_id=alice.id)
        work()
    assert kept().state == "sent"


def test_quiet_hours_end_by_the_clock_on_the_wall_also_when_clocks_change():
    chosen = mail.choices.Choices(quiet_from=time(22), quiet_until=time(8))
    for night, ends in (("2027-03-27T23:00", "2027-03-28T06:00"), ("2027-10-30T23:00", "2027-10-31T07:00")):
        at = datetime.fromisoformat(f"{night}+00:00")
        assert chosen.quiet_ends("Europe/Berlin", at) == datetime.fromisoformat(f"{ends}+00:00")


# --- a moment of one's own -----------------------------------------------------------------------------------------------


def test_a_mail_leaves_after_its_delay_and_not_before(write, work, kept, superuser, now):
    write(delay=timedelta(minutes=1))
    work()
    (moment,) = due(superuser)
    assert kept().state == "queued" and timedelta(seconds=50) < moment - now < timedelta(seconds=90)


# --- its turn ------------------------------------------------------------------------------------------------------------


def test_mails_to_one_domain_leave_at_a_pace(office, write, send, superuser, now):
    server, port = office
    for number in range(5):
        write(recipient=f"{number}@big.example", kind="moved")
    write(recipient="ana@small.example", kind="moved")
    send(f"smtp://127.0.0.1:{port}", mail_per_domain=2)
    assert sorted(envelope.rcpt_tos[0] for envelope in server.taken) == [
        "0@big.example",
        "1@big.example",
        "ana@small.example",
    ]
    waits = [(moment - now).total_seconds() for moment in due(superuser)]
    assert waits == pytest.approx([30, 60, 90], abs=10)
    send(f"smtp://127.0.0.1:{port}", mail_per_domain=2)
    assert len(server.taken) == 6 and due(superuser) == []


def test_a_code_somebody_waits_for_is_not_held_back(office, write, send, superuser):
    server, port = office
    for number in range(4):
        write(recipient=f"{number}@big.example", kind="verify", secret=True)
    send(f"smtp://127.0.0.1:{port}", mail_per_domain=1)
    assert len(server.taken) == 4
