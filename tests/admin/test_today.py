"""Today at a glance: a judgement, what wants a look, and numbers that are those of the rows."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from portal.clock import at
from tests.support.cast import ISTANBUL, crowd
from tests.support.orders import subscription
from tests.support.reading import invite, link, one, plain, plan, rows, statements, words

HOUR = timedelta(hours=1)


@pytest.fixture
def heard(superuser, people):
    """The worker was heard just now."""
    superuser.execute("insert into procrastinate_workers (last_heartbeat) values (now())")


def figures(answer):
    """Number by label, from the whole page."""
    found = {}
    for row in rows(answer, "li"):
        number, _, label = row.partition(" ")
        found[label] = number
    return found


def order(postgres, person, number, minor, status="completed", currency="USD", back=0, days=0, places=2, **columns):
    """One order, completed so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    paid = status in ("completed", "refunded")
    row = {
        "user_id": person.id,
        "order_number": f"T-{number}",
        "status": status,
        "amount_minor": minor,
        "amount": minor / 10**places,
        "currency": currency,
        "subscription_type": "individual",
        "billing_cycle": "monthly",
        "refunded_amount": back,
        "completed_at": moment if paid else None,
        "created_at": moment,
        "period_start": moment,
        "period_end": moment + timedelta(days=30),
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    postgres.execute(f"insert into orders ({names}) values ({marks})".encode(), list(row.values()))


# --- the judgement ---------------------------------------------------------------------------------------------------


def test_a_worker_that_was_never_heard_wants_you_now(desk, supper):
    answer = desk.get("/admin")
    assert words(answer, "h1") == "One thing wants a look."
    assert "the worker is not running" in words(answer) and link(answer, "Operations") == "/admin/operations"


def test_a_worker_that_fell_silent_wants_you_now(desk, superuser, heard):
    superuser.execute("update procrastinate_workers set last_heartbeat = now() - interval '3 minutes'")
    assert words(desk.get("/admin"), "h1") == "One thing wants a look."


def test_a_meeting_in_order_is_in_good_shape(desk, superuser, heard, alice):
    tonight = plan(superuser, "Tonight", days=2)
    invite(superuser, alice, tonight, answer="accepted")
    answer = desk.get("/admin")
    assert words(answer, "h1") == "Tonight is in good shape." and "Wants a look" not in words(answer)
    assert "1 person has said yes to Tonight" in words(answer)


def test_nothing_planned_is_said(desk, heard):
    answer = desk.get("/admin")
    assert words(answer, "h1") == "Nothing is planned." and "No meeting is planned." in words(answer)


def test_who_asks_for_a_place_wants_a_look(desk, superuser, heard, alice, bob):
    circle = plan(superuser, "Circle", days=2, requires_approval=True)
    invite(superuser, alice, circle, answer="requested")
    assert "1 person asks to join Circle" in words(desk.get("/admin"))
    invite(superuser, bob, circle, answer="requested")
    answer = desk.get("/admin")
    assert (
        "2 people ask to join Circle" in words(answer)
        and link(answer, "Answer them") == f"/meetings/{circle.id}/requests"
    )
    assert words(answer, "h1") == "One thing wants a look."


def test_a_dispute_wants_you_now(desk, superuser, heard, supper, charlie):
    order(superuser, charlie, 1, 1200, disputed_at=datetime.now(UTC), dispute_state="open")
    answer = desk.get("/admin")
    assert words(answer, "h1") == "One thing wants a look." and "disputed by a bank" in words(answer)


def test_a_running_meeting_is_what_the_page_begins_with(desk, superuser, heard, alice):
    supper = plan(superuser, "Supper", days=2)
    superuser.execute(
        "insert into presences (meeting_id, user_id, joined_at, device_type) values (%s, %s, %s, 'mobile')",
        [supper.id, alice.id, supper.starts_at],
    )
    with at(supper.starts_at + timedelta(minutes=18)):
        superuser.execute("update procrastinate_workers set last_heartbeat = now()")
        answer = desk.get("/admin")
    page = words(answer)
    assert (
        "Live now" in page
        and "1 person is here now" in page
        and "18 of 60 minutes" in page
        and "Supper is running well." in page
    )
    assert link(answer, "Supper") == f"/admin/meetings/{supper.id}" and "Tonight" not in page


# --- the numbers -----------------------------------------------------------------------------------------------------


def test_the_next_meetings_numbers_are_its_answers(desk, superuser, heard, alice, bob, charlie, dora, eve):
    tonight = plan(superuser, "Tonight", days=2, max_attendees=1)
    plan(superuser, "Later", days=3)
    for person, columns in (
        (alice, {"answer": "accepted"}),
        (bob, {"answer": "waitlisted", "waiting_since": tonight.starts_at}),
        (charlie, {"answer": "declined"}),
        (dora, {"answer": "invited"}),
    ):
        invite(superuser, person, tonight, **columns)
    said = figures(desk.get("/admin"))
    assert (said["said yes, of 1 places"], said["waiting"], said["said no"], said["no answer yet"]) == (
        "1",
        "1",
        "1",
        "1",
    )


def test_people_are_counted_as_an_independent_look_counts_them(desk, superuser, heard):
    crowd(superuser, 30)
    superuser.execute("update users set access_until = now() + interval '1 minute' where email like 'guest1%%'")
    superuser.execute("update users set created_at = now() - interval '9 days' where email like 'guest2%%'")
    superuser.execute("update users set is_active = false where email = 'guest0@club.example'")
    said = figures(desk.get("/admin"))
    everybody = superuser.execute("select is_active, access_until, created_at from users").fetchall()
    here = datetime.now(ISTANBUL)
    month_end = (here.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    inside = [until for active, until, _ in everybody if active and until and until > here]
    assert said["have access"] == str(len(inside)) == "33"
    assert said["whose access ends or renews this month"] == str(sum(until <= month_end for until in inside))
    assert said["new this week"] == str(sum(made > here - timedelta(days=7) for *_, made in everybody)) == "24"
    assert said["family, 2 people"] == "1"


def test_every_figure_about_people_leads_to_those_people(desk, superuser, heard, charlie, eve):
    order(superuser, charlie, 1, 700, status="pending")
    order(superuser, eve, 2, 1200, back=1)
    superuser.execute("update users set access_until = now() + interval '1 minute' where id = %s", [charlie.id])
    subscription(superuser, eve, failed_at=datetime.now(UTC), status="past_due")
    for page in ("/admin", "/admin/money"):
        for url, number in re.findall(r'href="(/admin/people\?[^"]*)"><b>([\d,]+)</b>', desk.get(page).text):
            listed = re.search(r"<h1>([\d,]+ (?:person|people)|Nobody)", desk.get(url).text)[1]
            assert listed.split()[0].replace("Nobody", "0") == number, url
    assert "1 person" in words(desk.get("/admin/people?access=refunded"))


def test_money_is_counted_as_an_independent_look_counts_it(desk, superuser, heard, alice, charlie):
    first = datetime.now(ISTANBUL).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    order(superuser, charlie, 1, 1250)
    order(superuser, charlie, 2, 24000, back=100)
    order(superuser, charlie, 3, 1200, status="refunded", back=12)
    order(superuser, charlie, 4, 9900, completed_at=first - timedelta(seconds=1))
    order(superuser, charlie, 5, 500, currency="JPY", places=0)
    order(superuser, charlie, 6, 700, status="pending")
    order(superuser, charlie, 7, 800, status="failed")
    for number, state in enumerate(("open", "lost", "won"), start=8):
        order(superuser, charlie, number, 300, disputed_at=first, dispute_state=state)
    superuser.execute("update orders set completed_at = now() where transaction_id = 'ch_alice'")
    said = figures(desk.get("/admin"))
    rows_ = superuser.execute(
        "select amount, refunded_amount, completed_at, dispute_state from orders where currency = 'USD' and completed_at is not null"
    ).fetchall()
    revenue = sum(amount - back for amount, back, done, dispute in rows_ if done >= first and dispute in (None, "won"))
    refunded = sum(back for _, back, done, _ in rows_ if done >= first.replace(month=1))
    assert said[f"{first:%B} so far, after refunds"] == f"${revenue:.2f}" == "$345.50"
    assert figures(desk.get("/admin/money"))["this month, after refunds"] == "$345.50", (
        "the same on the page about money"
    )
    assert said["refunded of this year’s payments"] == f"${refunded:.2f}"
    assert (said["payment not finished"], said["dispute"]) == ("1", "1")


def test_a_dispute_leads_to_the_list_of_disputes_and_to_the_person(desk, superuser, heard, charlie):
    for number, state in enumerate(("open", "lost", "won")):
        order(superuser, charlie, number, 1200, disputed_at=datetime.now(UTC), dispute_state=state)
    assert link(desk.get("/admin"), "See the disputes") == "/admin/money#disputes"
    page = desk.get("/admin/money")
    assert link(page, "Charlie, T-0") == f"/admin/people/{charlie.id}/money" and "T-1" not in page.text


def test_the_bars_are_who_came_to_the_last_thirty_meetings(desk, superuser, heard, alice, bob):
    for days in range(1, 33):
        meeting = plan(superuser, f"Evening {days}", days=-days, status="completed")
        for person in (alice, bob)[: days % 3]:
            invite(superuser, person, meeting, answer="accepted", joined_at=meeting.starts_at)
    plan(superuser, "Film", days=-2, status="cancelled", cancellation_reason="Ill.", start_time="12:00")
    table = desk.get("/admin").text.partition("<tbody>")[2].partition("</tbody>")[0]
    numbers = [int(plain(cell)) for cell in table.split('class="amount">')[1:] for cell in [cell.partition("<")[0]]]
    assert numbers == [days % 3 for days in range(30, 0, -1)]


def test_times_are_the_admins_own(desk, superuser, heard, dora):
    superuser.execute("update users set timezone = 'Asia/Tokyo' where id = %s", [dora.id])
    tonight = plan(superuser, "Tonight", days=2)
    with at(tonight.starts_at - 5 * HOUR):
        text = words(desk.get("/admin"))
    assert "22:00 Tokyo" in text and "at 03:00" in text


def test_the_page_costs_a_handful_of_statements_however_large_the_club(app, desk, superuser, heard):
    crowd(superuser, 40)
    with statements() as sent:
        desk.get("/admin")
    assert len(sent) <= 7 and one(superuser, "select count(*) from users") == 45
