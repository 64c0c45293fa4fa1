"""`portal check`: every promise the data makes, one sentence and one count each. Nought everywhere is health."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.database.roles import LARGE_OBJECTS, SETTINGS
from portal.meetings.jobs import other_than_their_clocks
from portal.operations import zones
from portal.operations.revision import HEAD
from portal.sentences import ngettext


@dataclass(frozen=True)
class Finding:
    """A promise, and how many rows break it."""

    promise: str
    broken: int


PROMISES = {
    "A meeting's seats taken are its accepted and offered answers": """
        select count(*) from meetings m
          left join (select meeting_id, count(*) as counted from meeting_attendances where answer in ('accepted', 'offered') group by 1) a on a.meeting_id = m.id
         where m.seats_taken <> coalesce(a.counted, 0)""",
    "A meeting's line is as long as its waiting answers": """
        select count(*) from meetings m
          left join (select meeting_id, count(*) as counted from meeting_attendances where answer = 'waitlisted' group by 1) a on a.meeting_id = m.id
         where m.waiting_count <> coalesce(a.counted, 0)""",
    "A meeting's open requests are its requested answers": """
        select count(*) from meetings m
          left join (select meeting_id, count(*) as counted from meeting_attendances where answer = 'requested' group by 1) a on a.meeting_id = m.id
         where m.request_count <> coalesce(a.counted, 0)""",
    "A meeting's attendees are those who joined it": """
        select count(*) from meetings m
          left join (select meeting_id, count(*) as counted from meeting_attendances where joined_at is not null group by 1) a on a.meeting_id = m.id
         where m.attendee_count <> coalesce(a.counted, 0)""",
    "No meeting holds more people than places, but for those who had a seat when places were taken away": """
        select count(*) from meetings where max_attendees is not null and seats_taken > greatest(max_attendees, seats_kept)""",
    "Nobody waits while a place is free that is not kept for a family, but in the last hour": """
        with line as (
          select a.meeting_id, min(a.waiting_since) as since, count(*) as people, max(a.party_skips) >= 3 as kept_for
            from meeting_attendances a join meetings m on m.id = a.meeting_id
           where a.answer = 'waitlisted' and m.status = 'scheduled' and m.starts_at > :at + interval '1 hour'
             and (m.max_attendees is null or m.seats_taken < m.max_attendees)
           group by a.meeting_id, coalesce(a.party_id, a.id))
        select count(distinct m.id) from line l join meetings m on m.id = l.meeting_id
         where (m.max_attendees is null or l.people <= m.max_attendees - m.seats_taken)
           and not exists (select from line before where before.meeting_id = m.id and before.since < l.since and before.kept_for)""",
    "First join and last leave are those of the best source that saw somebody": """
        select count(*) from meeting_attendances a
          left join (select meeting_id, user_id, min(coalesce(joined_at, left_at)) as first_in, bool_or(is_open) as is_inside,
                            max(coalesce(left_at, upper(measured))) as last_out from stays where is_best group by 1, 2) s
            using (meeting_id, user_id)
         where s.first_in is distinct from a.joined_at or (not s.is_inside and s.last_out is distinct from a.left_at)""",
    "Nobody who clicked on Join is counted as inside long after the end": """
        select count(*) from presences p join meetings m on m.id = p.meeting_id
         where p.left_at is null and p.source = 'click' and m.ends_at < :at - interval '5 hours'""",
    "Whoever a platform saw is the same person in every stay": """
        select count(*) from presences s join participants p on p.id = s.participant_id where s.user_id is distinct from p.user_id""",
    "A family's counts are its people and its open invitations": """
        select count(*) from family_plans f
          left join (select family_plan_id, count(*) as people from users group by 1) u on u.family_plan_id = f.id
          left join (select plan_id, count(*) as invited from family_memberships where state = 'invited' group by 1) m on m.plan_id = f.id
         where f.current_members <> coalesce(u.people, 0) or f.invited_members <> coalesce(m.invited, 0)""",
    "Everybody is in the family their membership says, and nobody in one that is over": """
        select count(*) from users u left join family_memberships m on m.user_id = u.id and m.state = 'active'
          left join family_plans f on f.id = u.family_plan_id
         where (u.family_plan_id, u.family_role, u.family_joined_at) is distinct from (m.plan_id, m.role, m.joined_at)
            or not f.is_active""",
    "A family's primary is its payer, in both places": """
        select count(*) from family_plans f where is_active and not exists (select from users u
          where u.id = f.primary_user_id and u.family_plan_id = f.id and u.family_role = 'primary')""",
    "Everybody's dates are what their orders, subscription, family and grants say": """
        with latest as (
          select distinct on (user_id) * from subscriptions
           where not is_duplicate and status not in ('incomplete', 'incomplete_expired') order by user_id, started_at desc, id desc),
        bought as (
          select id, user_id, subscription_type, provider_subscription_id, least(period_end, cut_at) as until,
                 case when cut_at < period_end then 0 * grace_days else grace_days end as grace from orders
           where status = 'completed' and (dispute_state is null or dispute_state = 'won') and period_end is not null),
        carries as (
          select s.covered_by, s.user_id from subscriptions s join family_plans f on f.id = s.transfer_plan_id
           where s.covered_by is not null and not s.is_duplicate and f.primary_user_id = s.user_id),
        paid as (
          select user_id, kind, max(until) as until, (array_agg(grace order by until desc nulls last))[1] as grace from (
            select b.user_id, case when c.covered_by is null then b.subscription_type else 'individual' end as kind, b.until, b.grace
              from bought b left join carries c on c.covered_by = b.id and c.user_id <> b.user_id
            union all
            select l.user_id, l.subscription_type, least(l.free_until, b.until, case when l.ended_by = 'choice' then l.ended_at end), null
              from latest l left join bought b on b.id = l.covered_by
             where l.free_until is not null and (l.transfer_plan_id is null or (b.id is not null and exists (
                   select from family_plans f where f.id = l.transfer_plan_id and f.primary_user_id = l.user_id)))
            union all
            select user_id, subscription_type, least(credit_until, case when ended_by = 'choice' then ended_at end), null
              from latest where credit_until is not null) found
           where until is not null group by 1, 2),
        counted as (
          select p.user_id, p.kind, p.until, p.until + case
                   when p.grace is not null and not coalesce(l.live, false) then p.grace * interval '1 day'
                   when not coalesce(l.ended_by = 'failure' or (l.live and l.ends_at is null), false) then '0'
                   when l.credit_until is not null or exists (select from bought b where b.user_id = l.user_id
                        and (b.provider_subscription_id is null or b.provider_subscription_id = l.provider_subscription_id))
                     then l.grace_days * interval '1 day'
                   when l.live and not exists (select from orders o where o.status = 'pending' and o.waits_for = 'card'
                        and o.provider_subscription_id = l.provider_subscription_id) then interval '24 hours'
                   else '0' end as counts
            from paid p left join latest l on l.user_id = p.user_id and l.subscription_type = p.kind),
        disputed as (
          select user_id, subscription_type as kind, least(disputed_at, period_end, cut_at) as until from orders
           where status = 'completed' and dispute_state in ('open', 'lost') and period_end is not null),
        sources as (
          select user_id, until, counts from counted
          union all
          select u.id, c.until, c.counts from users u join family_plans f on f.id = u.family_plan_id and f.is_active
            join counted c on c.user_id = f.primary_user_id and c.kind = 'family'
          union all
          select d.user_id, d.until, d.until from disputed d
          union all
          select u.id, d.until, d.until from users u join family_plans f on f.id = u.family_plan_id and f.is_active
            join disputed d on d.user_id = f.primary_user_id and d.kind = 'family' where u.id <> f.primary_user_id
          union all
          select user_id, ends_at, ends_at from access_grants where starts_at <= :at),
        verdict as (select user_id, max(until) as until, max(counts) as counts from sources group by 1)
        select count(*) from users u left join verdict v on v.user_id = u.id
         where u.subscription_expiry is distinct from v.until or u.access_until is distinct from v.counts""",
    "Nobody who pays has more time unpaid than the free days, or than a paid order covered": """
        select count(distinct s.user_id) from subscriptions s
          left join access_grants g on g.user_id = s.user_id and g.kind = 'welcome'
          left join orders o on o.id = s.covered_by and o.completed_at is not null
         where not s.is_duplicate and s.free_until > coalesce(greatest(g.ends_at, o.period_end), s.started_at) + interval '1 minute'""",
    "Nobody has two live subscriptions, and no payment is taken by one that was ended as a second": """
        select count(*) from (
          select user_id from subscriptions where status in ('trialing', 'active', 'past_due', 'unpaid') and not is_duplicate
           group by user_id having count(*) > 1
          union all
          select o.user_id from orders o join subscriptions s on s.provider_subscription_id = o.provider_subscription_id
           where s.is_duplicate and o.status = 'completed') twice""",
    "What the provider says was heard within the hour": """
        select count(*) from provider_events where handled_at is null and customer_id is not null
          and received_at < :at - interval '1 hour'""",
    "The provider and the club agree": """
        select count(*) from drifts where resolved_at is null""",
    "A paid order has its moment, an unpaid one none, and no more went back than came in": """
        select count(*) from orders where (status in ('completed', 'refunded')) <> (completed_at is not null)
          or refunded_amount > amount""",
    "Meetings whose hour has come were moved on by the worker": """
        select count(*) from meetings where (status = 'scheduled' and starts_at < :at - interval '10 minutes')
          or (status = 'active' and ends_at < :at - interval '5 hours')""",
    "Mail leaves within ten minutes": """
        select count(*) from mails where state = 'queued' and created_at < :at - interval '10 minutes' and attempts = 0""",
    "No job is stuck: none begun ten minutes ago, none overdue by ten": """
        select count(*) from procrastinate_jobs j where
          (status = 'doing' and (select max(e.at) from procrastinate_events e where e.job_id = j.id) < :now - interval '10 minutes')
          or (status = 'todo' and attempts = 0 and (scheduled_at is null or scheduled_at < :now - interval '10 minutes')
              and (select min(e.at) from procrastinate_events e where e.job_id = j.id) < :now - interval '10 minutes')""",
    "No job has failed for good in the last day": """
        select count(*) from procrastinate_jobs j where status = 'failed'
          and (select max(e.at) from procrastinate_events e where e.job_id = j.id) > :now - interval '1 day'""",
    "Every table's row security is on and forced, with a policy": """
        select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname not in ('credentials', 'second_factors', 'recovery_codes')
           and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))""",
    "Nobody's passwords and second factors have a policy: only the definer's functions reach them": """
        select count(*) from pg_policy where polrelid in ('credentials'::regclass, 'second_factors'::regclass, 'recovery_codes'::regclass)""",
    "Every view obeys the viewer's policies": """
        select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind = 'v' and not coalesce(c.reloptions @> array['security_invoker=true'], false)""",
    "No role that answers browsers may bypass the policies, nor become one that may": """
        select count(*) from pg_roles r where (rolsuper or rolbypassrls)
          and (r.rolname in ('portal_web', 'portal_anonymous', 'portal_member', 'portal_admin', 'portal_worker')
               or pg_has_role('portal_web', r.oid, 'member') or pg_has_role('portal_worker', r.oid, 'member'))""",
    "The logins that answer browsers and do jobs have the settings `portal roles` gave them": f"""
        with wanted (login, setting) as (values {", ".join(f"('{login}', '{name}={value}')" for login, own in SETTINGS.items() for name, value in own.items())}),
        found (login, setting) as (
          select r.rolname, unnest(s.setconfig) from pg_catalog.pg_db_role_setting s join pg_catalog.pg_roles r on r.oid = s.setrole
           where r.rolname in ('portal_web', 'portal_anonymous', 'portal_member', 'portal_admin', 'portal_worker', 'portal_definer')
             and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database())))
        select (select count(*) from (table wanted except table found) missing) + (select count(*) from (table found except table wanted) added)""",  # noqa: S608 - constants
    "The tables are those this code was written for": """
        select count(*) from alembic_version where version_num <> :head""",
    "The worker was heard within the last minute": """
        select case when coalesce(worker_heartbeat(), '-infinity') > now() - interval '1 minute' then 0 else 1 end""",
}

ZONES_KNOWN = "The zones of members and meetings are in the package tzdata"
INSTANTS = "A meeting ahead begins at the moment its wall clock shows"
CLOCKS = "This machine's clock and the database's agree within five seconds"
CLOCKS_APART = timedelta(seconds=5)
LIVE = text("select count(*) from subscriptions where live")
CLUB_NOW = text("select club_now()")
LARGE_OBJECTS_OPEN = text(
    f"select exists (select from pg_catalog.pg_proc where {LARGE_OBJECTS} and has_function_privilege('portal_web', oid, 'execute'))"  # noqa: S608
)

NEEDS_WORKER = "The worker was heard within the last minute"


def notes(db: Session, *, takes_cards: bool = True) -> Iterator[str]:
    """What is no broken promise, and an operator should know of: a sentence each. `takes_cards`: whether Stripe is asked."""
    yield from zones.notes(db, clock.now())
    live = 0 if takes_cards else db.scalar(LIVE) or 0
    if live:
        yield ngettext(
            "%(num)s subscription is believed to be live at Stripe, and nobody asks Stripe any more. End it there.",
            "%(num)s subscriptions are believed to be live at Stripe, and nobody asks Stripe any more. End them there.",
            live,
        )
    if db.scalar(LARGE_OBJECTS_OPEN):
        yield (
            "Large objects are open to every login, and no policy binds them. "
            "A superuser closes them by what `portal roles` prints; a managed server may not allow it."
        )


def findings(
    db: Session, *, at_rest: bool = False, club_at: datetime | None = None, now: datetime | None = None
) -> Iterator[Finding]:
    """Count what breaks each promise. Ask as the worker; however big the club is, none is cut short for its time.

    `at_rest` leaves out the one that needs a running worker. A copy is asked as of its moment: by the club's clock
    (`club_at`) and by the machine's (`now`).
    """
    params = {"at": club_at or clock.now(), "now": now or datetime.now(UTC), "head": HEAD}
    db.execute(text("set local statement_timeout = '1h'"))
    for promise, statement in PROMISES.items():
        if at_rest and promise == NEEDS_WORKER:
            continue
        wanted = {name: value for name, value in params.items() if f":{name}" in statement}
        yield Finding(promise, db.execute(text(statement), wanted).scalar_one())
    at = club_at or clock.now()
    yield Finding(ZONES_KNOWN, len(zones.unknown(zones.in_use(db, at))))
    yield Finding(INSTANTS, sum(1 for _ in other_than_their_clocks(db, at)))
    if club_at is None:
        apart = abs(db.execute(CLUB_NOW).scalar_one() - clock.now())
        yield Finding(CLOCKS, int(apart > CLOCKS_APART))
