"""A copy of what is kept about somebody, to keep or to take elsewhere."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit

# What the club keeps about one person, but for the log and the mails that person got anyway. Asked in the person's own
# name, so the row policies choose the rows.
KEPT = {
    "profile": """select email, first_name, last_name, timezone, preferred_meeting_time, created_at, last_login_at, is_admin,
        email_verified, subscription_status, subscription_type, subscription_expiry, access_until, family_role, family_joined_at,
        shares_attendance, family_may_answer, renewal_mail from users where id = auth.uid()""",
    "second_factor": "select set_up_at, codes_left as recovery_codes_left from auth.own_second_factor() where set_up_at is not null",
    "former_addresses": "select email, until from former_addresses where user_id = auth.uid() order by until",
    "mail_choices": """select switched_off, quiet_from, quiet_until, digest, reminders, calendar_mails from mail_preferences
        where user_id = auth.uid()""",
    "mails_that_came_back": "select last_at, reason from my_unreachable_address()",
    "family": """select plan_name, max_members, current_members, created_at, subscription_expiry, billing_cycle
        from family_plans where id = (select family_plan_id from users where id = auth.uid())""",
    "memberships": """select plan_id, role, state, email as invited_as, joined_at, ended_at from family_memberships
        where user_id = auth.uid() order by joined_at""",
    "meetings": """select m.title, m.starts_at, a.answer, a.outcome, a.invited_at, a.responded_at, a.joined_at, a.left_at,
        a.join_duration, a.device_type, a.reason, a.note, a.standing_answer_id is not null as answered_by_rule
        from meeting_attendances a join meetings m on m.id = a.meeting_id where a.user_id = auth.uid() order by m.starts_at""",
    "rules": """select s.kind, s.weekday, m.title as series, s.response, s.starts_at, s.ends_at, s.created_at
        from standing_answers s left join meeting_series m on m.id = s.series_id where s.user_id = auth.uid() order by s.created_at""",
    "stays": """select meeting_id, source, joined_at, left_at, device_type from presences where user_id = auth.uid() order by joined_at""",
    "calendar_feeds": "select name, shows, created_at from calendar_feeds where user_id = auth.uid() order by created_at",
    "messages_written": """select meeting_id, audience, subject, body, written_at, state from announcements
        where written_by = auth.uid() order by written_at""",
    "sent_back_by_mail": """select kind, outcome, sender, received_at, meeting_id from inbox_messages
        where user_id = auth.uid() order by received_at""",
    "orders": """select order_number, status, amount, currency, refunded_amount, subscription_type, billing_cycle, payment_method,
        reference, return_reference, created_at,
        completed_at, period_start, period_end from orders where user_id = auth.uid() order by created_at""",
    "subscriptions": """select provider_subscription_id, status, subscription_type, billing_cycle, amount_minor, currency, started_at,
        renews_at, ends_at, ended_at, ended_by, failed_at, card, card_expires from subscriptions
        where user_id = auth.uid() order by started_at""",
    "checkouts": """select subscription_type, billing_cycle, state, created_at, expires_at from checkouts
        where user_id = auth.uid() order by created_at""",
    "payment_accounts": "select customer_id, created_at from payers where user_id = auth.uid() order by created_at",
    "days_given": """select kind, starts_at, ends_at, reason, created_at from access_grants
        where user_id = auth.uid() order by created_at""",
    "looked_at_by_admins": "select looked_at, operation, first_name as admin from looked_at_me()",
    "sign_ins": """select device, network, created_at, seen_at, ended_at, proved_at from sign_ins
        where user_id = auth.uid() order by created_at""",
}


def everything(db: Session) -> dict[str, list[dict[str, object]]]:
    """Every row about the signed-in person, with the columns of its table."""
    audit.record(db, "account.exported", "A copy of one's own data was taken", category="security")
    return {name: [dict(row._mapping) for row in db.execute(text(sql))] for name, sql in KEPT.items()}
