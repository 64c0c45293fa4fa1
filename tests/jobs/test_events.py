"""What happens in one package and follows in another: every event, and who subscribed to it."""

import ast

from portal import jobs
from portal.config import ROOT
from portal.jobs import EVENTS, Event
from tests.support.handed_in import sources, uses

FOLLOWS = {
    "accounts.account_closed": ["billing.tell_customer", "billing.stop_closed"],
    "accounts.factor_kept": ["accounts.tell_factor_kept"],
    "accounts.factor_said_lost": ["accounts.tell_factor_end"],
    "accounts.person_changed": ["billing.tell_customer"],
    "accounts.place_passed_on": ["attendance.tell_offer"],
    "accounts.reset_asked": ["accounts.send_reset"],
    "attendance.account_learnt": ["attendance.match_again"],
    "attendance.answered_for": ["calendar.tell_together"],
    "attendance.guest_invited": ["calendar.tell_invited"],
    "attendance.invitation_taken_back": ["calendar.tell_taken_back"],
    "attendance.missing_reminded": ["attendance.tell_missing"],
    "attendance.places_requested": ["attendance.tell_host"],
    "attendance.recording_made": ["attendance.fetch_recordings_of"],
    "attendance.recording_offered": ["attendance.tell_recorded"],
    "attendance.request_decided": ["calendar.tell_decision"],
    "attendance.rules_changed": ["attendance.follow_rules_of"],
    "billing.customer_changed": ["billing.refetch"],
    "billing.family_payment_changed": ["families.follow"],
    "billing.family_wanted": ["families.paid"],
    "billing.order_changed": ["billing.tell_order"],
    "billing.take_over_paid": ["families.take_over"],
    "families.plan_changed": ["families.tell_plan"],
    "families.seat_changed": ["families.tell"],
    "meetings.cancelled": ["calendar.tell_cancelled", "rooms.follow"],
    "meetings.moved": ["calendar.tell_moved", "rooms.follow"],
    "mail.not_delivered": ["calendar.note_not_delivered"],
    "mail.reply_received": ["calendar.take_reply"],
    "meetings.place_offered": ["attendance.tell_offer"],
    "meetings.reinstated": ["calendar.tell_reinstated", "rooms.follow"],
    "rooms.told": ["attendance.take_in_event"],
}


def test_every_event_and_who_follows_it():
    jobs.load()
    follows = {name: sorted(job.name for job in event.subscribers) for name, event in EVENTS.items()}
    assert follows == {name: sorted(jobs) for name, jobs in FOLLOWS.items()}


def test_an_event_is_published_by_its_own_package_and_subscribed_to_where_jobs_stand():
    published, subscribed = set(), set()
    for path in sources():
        events = {ast.unparse(node): used for node, used in uses(path) if isinstance(used, Event)}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and (event := events.get(ast.unparse(node.value))):
                package = path.relative_to(ROOT / "portal").parts[0]
                if node.attr == "publish":
                    assert event.name.partition(".")[0] == package, path
                    published.add(event.name)
                elif node.attr == "subscribe":
                    assert path.name == "jobs.py", path
                    subscribed.add(event.name)
    assert published == subscribed == set(FOLLOWS)
