"""What an admin can show a bank about a disputed payment."""

from datetime import timedelta

from tests.support.orders import order
from tests.support.reading import invite, link, plan, words

HOUR = timedelta(hours=1)


def test_a_disputed_order_comes_with_what_its_buyer_did_since(desk, sign_in, superuser, eve, now):
    period = (now - timedelta(days=3), now + timedelta(days=27))
    order(superuser, eve, period, order_number="T-1", disputed_at=now, dispute_state="open")
    for title, days, joined in (("Joined", -1, now - HOUR), ("Long ago", -9, now - timedelta(days=9))):
        meeting = plan(superuser, title, days=days, status="completed")
        invite(superuser, eve, meeting, answer="accepted", joined_at=joined, join_duration=42)
    superuser.execute(
        "insert into system_logs (level, category, operation, message, subject_id, ip_address)"
        " values ('info', 'security', 'sign-in.opened', 'Signed in on Firefox', %s, '198.51.100.7')",
        [eve.id],
    )
    path = link(desk.get("/admin/money"), "Evidence for T-1")
    page = words(desk.get(path))
    assert "Joined, 42 minutes" in page and "Signed in on Firefox, from 198.51.100.7" in page and "Long ago" not in page
    assert sign_in(eve).get(path).status_code == 404


def test_of_an_order_nobody_disputes_there_is_none(desk, superuser, eve, now):
    order(superuser, eve, (now, now + timedelta(days=30)), order_number="T-1")
    assert desk.get("/admin/orders/T-1/evidence").status_code == 404
