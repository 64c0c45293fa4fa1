"""Taking what a source yields: in batches, each kept before the next, by one statement for each kind of record.

A statement gets a batch as JSON, says of every row whether it is new, known or not to be taken and why, and writes the new
ones with their names in the source (`imported`). So a run that was cut short, or is done again, goes on where the last
batch ended and takes nothing twice. As the worker; nobody gets a mail.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit
from portal.billing.actions import ask_provider_of_each
from portal.database.transactions import keep
from portal.moving.reading import NO_PLAN
from portal.moving.records import KINDS, Adoption, Record, Untaken

BATCH = 2000
MOST_PRICES = 50

PERSON = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, email text, first_name text, last_name text, timezone text, created_at timestamptz,
      is_active boolean)),
judged as materialized (
  select b.*, u.id as here, coalesce(i.row_id, u.id, b.id) as row_id,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when row_number() over (partition by lower(b.email) order by b.n) > 1
                or (select true from imported o where o.row_id = u.id and (o.source || '', o.kind || '') = (:source, 'person') limit 1)
                then 'Another row, taken before, has the same address but for capitals'
              when not (u.email_verified and u.is_active)
                then 'The account with this address here is not confirmed, or suspended' end as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b.external_id) offset 0) i on true
    left join lateral (select id, email_verified, is_active from users where email_key = lower(b.email) offset 0) u on true),
made as (
  insert into users (id, email, first_name, last_name, timezone, created_at, is_active, email_verified)
  select id, email, first_name, last_name, timezone, coalesce(created_at, club_now()), is_active, true
    from judged where reason is null and here is null),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'person', external_id, row_id from judged where reason is null)
select place, external_id, coalesce(reason, case when here is not null
         then 'in part: An account with this address was here already and keeps its name and zone' end) as reason,
       null::uuid as touched, '' as detail from judged
""")

ORDER = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, person text, number text, status text, amount numeric, amount_minor bigint, currency text,
      subscription_type text, billing_cycle text, method text, provider text, transaction text, created_at timestamptz,
      completed_at timestamptz, period_start timestamptz, period_end timestamptz)),
judged as materialized (
  select b.*, p.row_id as user_id,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when p.row_id is null then 'The person it belongs to was not taken'
              when exists (select from orders o where o.order_number = b.number)
                or b.number is not null and row_number() over (partition by b.number order by b.n) > 1
                then 'Another order has this number'
              when exists (select from orders o where o.payment_provider = b.provider and o.transaction_id = b.transaction)
                or b.transaction is not null and row_number() over (partition by b.provider, b.transaction order by b.n) > 1
                then 'Another order has this payment' end as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b.person) offset 0) p on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'order', b.external_id) offset 0) i on true),
made as (
  insert into orders (id, user_id, order_number, status, amount, amount_minor, currency, subscription_type, billing_cycle,
                      payment_method, payment_provider, transaction_id, created_at, completed_at, period_start, period_end,
                      refunded_amount)
  select id, user_id, coalesce(number, next_order_number(created_at)), status, amount, amount_minor, currency,
         subscription_type, billing_cycle, method, provider, transaction, created_at, completed_at, period_start, period_end,
         case status when 'refunded' then amount else 0 end
    from judged where reason is null),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'order', external_id, id from judged where reason is null)
select place, external_id, reason, case when reason is null then user_id end as touched, coalesce(number, '') as detail
  from judged
""")

GRANT = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, person text, grant_kind text, starts_at timestamptz, ends_at timestamptz)),
judged as materialized (
  select b.*, p.row_id as user_id,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when p.row_id is null then 'The person it belongs to was not taken'
              when exists (select from orders o where o.user_id = p.row_id and o.status = 'completed'
                              and o.period_end >= b.ends_at) then 'known'
              when b.ends_at <= club_now() then 'Its date is past: nothing of it is left' end as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b.person) offset 0) p on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'grant', b.external_id) offset 0) i on true),
made as (
  insert into access_grants (id, user_id, kind, starts_at, ends_at, reason)
  select id, user_id, grant_kind, case when starts_at < ends_at then starts_at else club_now() end, ends_at, 'moved in'
    from judged where reason is null),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'grant', external_id, id from judged where reason is null)
select place, external_id, reason, case when reason is null then user_id end as touched, ends_at::text as detail from judged
""")

ADOPTION = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id, coalesce(r.subscription_id, r.customer_id) as provider_id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, person text, customer_id text, subscription_id text, subscription_type text,
      billing_cycle text)),
judged as materialized (
  select b.*, p.row_id as user_id, c.customer_id as is_payer,
         case when a.user_id = p.row_id or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when p.row_id is null then 'The person it belongs to was not taken'
              when c.user_id <> p.row_id or a.user_id <> p.row_id
                or first_value(p.row_id) over (partition by b.customer_id order by b.n) <> p.row_id
                then 'This customer or subscription is somebody else''s here' end as reason,
         row_number() over (partition by b.customer_id order by b.n) as nth
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b.person) offset 0) p on true
    left join payers c on c.customer_id = b.customer_id
    left join adoptions a on a.provider_id = b.provider_id),
paying as (
  insert into payers (customer_id, user_id, created_at)
  select customer_id, user_id, club_now() from judged where reason is null and is_payer is null and nth = 1
  on conflict do nothing),
made as (
  insert into adoptions (provider_id, user_id, subscription_type, billing_cycle)
  select provider_id, user_id, subscription_type, billing_cycle from judged where reason is null
  on conflict do nothing)
select place, external_id, reason, null::uuid as touched, customer_id as detail from judged
""")

FAMILY = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, "primary" text, name text, created_at timestamptz)),
judged as materialized (
  select b.*, p.row_id as user_id, coalesce(b.created_at, club_now()) as since, f.until, f.counts_until,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when p.row_id is null then 'The person who pays for it was not taken'
              when u.family_plan_id is not null or row_number() over (partition by p.row_id order by b.n) > 1
                then 'The person who pays for it is in a family here already'
              when f.counts_until is null
                then 'No paid order for a family reaches beyond today; its people keep their own days' end as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b."primary") offset 0) p on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'family', b.external_id) offset 0) i on true
    left join users u on u.id = p.row_id
    left join lateral (select max(c.paid_until) as until, max(c.counts_until) as counts_until
                         from paid_coverage(p.row_id) c
                        where c.subscription_type = 'family' and c.counts_until > club_now()) f on true),
made as (
  insert into family_plans (id, primary_user_id, plan_name, created_at, told_until)
  select id, user_id, name, since, until from judged where reason is null),
seated as (
  insert into family_memberships (plan_id, user_id, role, state, joined_at)
  select id, user_id, 'primary', 'active', since from judged where reason is null),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'family', external_id, id from judged where reason is null)
select place, external_id, reason, case when reason is null then user_id end as touched, '' as detail from judged
""")

MEMBER = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (external_id text, place text, family text, person text)),
judged as materialized (
  select b.*, p.row_id as user_id, f.id as plan_id, f.primary_user_id, f.created_at,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when g.row_id is null then 'The family was not taken'
              when p.row_id is null then 'The person was not taken'
              when u.family_plan_id is not null or row_number() over (partition by p.row_id order by b.n) > 1
                then 'The person is in a family here already'
              when f.current_members + f.invited_members + row_number() over (partition by f.id order by b.n) > f.max_members
                then 'The family is full' end as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b.person) offset 0) p on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'family', b.family) offset 0) g on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'member', b.external_id) offset 0) i on true
    left join users u on u.id = p.row_id
    left join family_plans f on f.id = g.row_id),
made as (
  insert into family_memberships (id, plan_id, user_id, role, state, joined_at)
  select id, plan_id, user_id, 'member', 'active', created_at from judged where reason is null),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'member', external_id, id from judged where reason is null)
select place, external_id, reason, case when reason is null then primary_user_id end as touched, '' as detail from judged
""")

MEETING = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, title text, description text, scheduled_date date, start_time time, starts_at timestamptz,
      duration integer, timezone text, platform text, is_private boolean, max_attendees integer, requires_approval boolean,
      status text, archived_from text, attendance_record text, created_at timestamptz)),
judged as materialized (
  select b.*,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known' end
           as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'meeting', b.external_id) offset 0) i on true),
made as (
  insert into meetings (id, title, description, scheduled_date, start_time, starts_at, duration, timezone, platform,
                        is_private, max_attendees, requires_approval, status, archived_from, archived_at, attendance_record,
                        cancellation_reason, created_at)
  select id, title, description, scheduled_date, start_time, starts_at, duration, timezone, platform, is_private,
         max_attendees, requires_approval, status, archived_from, case status when 'archived' then club_now() end,
         attendance_record, case status when 'cancelled' then 'Cancelled before the club moved here' end,
         coalesce(created_at, club_now())
    from judged where reason is null),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'meeting', external_id, id from judged where reason is null)
select place, external_id, reason, null::uuid as touched, '' as detail from judged
""")

# Whoever had a place where the club comes from keeps it: `seats_kept` is the room for them. What a stay lasted counts only
# inside the hours of its meeting.
SEATS = text("""
with batch as (
  select m.row_id as meeting_id, count(*) as more
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (external_id text, meeting text, person text, answer text)
    cross join lateral (select row_id from imported
                         where (source, kind, external_id) = (:source, 'meeting', r.meeting) offset 0) m
   where r.answer = 'accepted' and (
     select row_id from imported where (source, kind, external_id) = (:source, 'attendance', r.external_id)) is null
   group by 1)
update meetings m set seats_kept = m.seats_taken + b.more from batch b
 where m.id = b.meeting_id and m.seats_taken + b.more > m.max_attendees
""")
ATTENDANCE = text("""
with batch as materialized (
  select r.*, row_number() over () as n, new_id() as id
    from jsonb_to_recordset(cast(:rows as jsonb)) as r (
      external_id text, place text, meeting text, person text, answer text, outcome text, invited_at timestamptz,
      responded_at timestamptz, joined_at timestamptz, left_at timestamptz, device text)),
judged as materialized (
  select b.*, p.row_id as user_id, m.id as meeting_id, m.starts_at,
         b.joined_at <= b.left_at and b.joined_at < m.ends_at + interval '4 hours'
           and b.left_at >= m.starts_at - interval '40 minutes' as is_stay,
         case when i.row_id is not null or row_number() over (partition by b.external_id order by b.n) > 1 then 'known'
              when m.id is null then 'The meeting was not taken'
              when p.row_id is null then 'The person was not taken'
              when exists (select from meeting_attendances a where a.meeting_id = m.id and a.user_id = p.row_id)
                or row_number() over (partition by m.id, p.row_id order by b.n) > 1
                then 'The person has an answer to this meeting already'
              when b.outcome is not null and m.starts_at > club_now() then 'The meeting has not begun: nobody came yet'
              end as reason
    from batch b
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'person', b.person) offset 0) p on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'attendance', b.external_id) offset 0) i on true
    left join lateral (select row_id from imported
                        where (source, kind, external_id) = (:source, 'meeting', b.meeting) offset 0) g on true
    left join meetings m on m.id = g.row_id),
made as (
  insert into meeting_attendances (id, meeting_id, user_id, answer, outcome, invited_at, responded_at, joined_at, left_at,
                                   join_duration, device_type)
  select id, meeting_id, user_id, answer, outcome, coalesce(invited_at, starts_at), responded_at,
         case when is_stay then joined_at end, case when is_stay then left_at end,
         case when is_stay then extract(epoch from left_at - joined_at)::integer / 60 end, device
    from judged where reason is null),
stayed as (
  insert into presences (meeting_id, user_id, joined_at, left_at, device_type)
  select meeting_id, user_id, joined_at, left_at, coalesce(device, 'unknown') from judged where reason is null and is_stay),
noted as (
  insert into imported (source, kind, external_id, row_id)
  select :source, 'attendance', external_id, id from judged where reason is null)
select place, external_id, coalesce(reason, case when joined_at is not null and is_stay is not true
         then 'in part: When they came and left is not known, or outside the meeting' end) as reason,
       null::uuid as touched, '' as detail from judged
""")

STATEMENTS = {
    "person": (PERSON,),
    "order": (ORDER,),
    "grant": (GRANT,),
    "adoption": (ADOPTION,),
    "family": (FAMILY,),
    "member": (MEMBER,),
    "meeting": (MEETING,),
    "attendance": (SEATS, ATTENDANCE),
}
# What `refresh_projection` says of people who have days and nothing else, for a whole batch: most of those who move in.
GIVEN = text("""
update users u
   set subscription_status = case when v.until > club_now() then 'active' else 'inactive' end,
       subscription_type = 'individual', subscription_expiry = v.until, access_until = v.until
  from (select distinct unnest(cast(:people as uuid[])) as id order by 1) p
 cross join lateral (select max(g.ends_at) as until from access_grants g
                      where g.user_id = p.id and g.starts_at <= club_now() offset 0) v
 where u.id = p.id and v.until is not null and coalesce(u.family_plan_id::text, '') = ''
   and (select true from orders o where o.user_id = u.id limit 1) is null
   and (select true from subscriptions s where s.user_id = u.id limit 1) is null
returning u.id
""")
REFRESH = text("""
select refresh_projection(id, club_now()) from (select distinct unnest(cast(:people as uuid[])) as id order by 1) p
""")
# The source may be slow. And the planner knows nothing of tables that were empty a moment ago: each row is looked up by an
# index, or the time a batch takes would grow with what was taken. That is what the lateral queries with `offset 0` above are
# for, too: joined otherwise, all of `imported` is read for every batch.
LOCAL = text("""
select set_config(name, value, true) from (values
  ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('enable_seqscan', 'off'),
  ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off')) wanted (name, value)
""")
IN_PART = "in part: "
"""How the reason begins of a row that is taken without a part of it."""


class Outcome(NamedTuple):
    """What became of one row: taken if there is no reason."""

    place: str
    external_id: str
    reason: str | None
    touched: UUID | None
    detail: str


@dataclass
class Report:
    """What came of a run. With a `file`, every row that was not taken, or in part, is a line of it.

    `unknown_prices` are those of the rows that nobody said a plan for, the first of them if there are very many.
    """

    file: IO[str] | None = None
    taken: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown_prices: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.file:
            csv.writer(self.file).writerow(["taken", "kind", "where", "id", "reason", "value"])

    def note(self, row: Untaken) -> None:
        """A row that is not taken, or in part."""
        self.reasons[row.kind, row.reason + (" (the rest of it is taken)" if row.in_part else "")] += 1
        if row.reason == NO_PLAN and (row.detail in self.unknown_prices or len(self.unknown_prices) < MOST_PRICES):
            self.unknown_prices[row.detail] += 1
        if self.file:
            taken = "in part" if row.in_part else "no"
            cells = [taken, row.kind, row.place, row.external_id, row.reason, row.detail]
            csv.writer(self.file).writerow([_harmless(cell) for cell in cells])

    def lines(self) -> Iterator[str]:
        """The summary, for people."""
        for kind in (record.kind for record in KINDS):
            if self.taken[kind] or self.known[kind]:
                yield f"{kind}: {self.taken[kind]:,} taken, {self.known[kind]:,} here already"
        for (kind, reason), count in sorted(self.reasons.items()):
            yield f"{kind}: {count:,} × {reason}"


def _harmless(cell: str) -> str:
    """A spreadsheet takes no cell of it for a formula (owasp.org, CSV Injection)."""
    return f"'{cell}" if cell[:1] in tuple("=+-@\t\r") else cell


def take(
    db: Session,
    source: str,
    rows: Iterable[Record | Untaken],
    report: Report,
    *,
    dry_run: bool,
    batch: int = BATCH,
    progress: Callable[[int], object] = abs,
) -> None:
    """Take all a source yields. A dry run does the same work and undoes it, so that what it reports is what would happen;
    it is one transaction, for a row may depend on any before it.

    `progress` is called with the number of rows read so far after each batch and at the end, before what was done is kept: what
    it writes with `db` is kept, or lost, with the batch.
    """
    waiting: dict[str, list[Record]] = {record.kind: [] for record in KINDS}
    number = 0
    _set_up(db)
    for number, row in enumerate(rows, 1):
        if isinstance(row, Untaken):
            report.note(row)
        else:
            waiting[row.kind].append(row)
        if number % batch == 0:
            _take_batch(db, source, waiting, report)
            progress(number)
            if not dry_run:
                keep(db)
                _set_up(db)
    _take_batch(db, source, waiting, report)
    progress(number)
    if dry_run:
        db.rollback()
        return
    if report.taken:
        audit.record(db, "club.moved-in", f"Taken from {source}", taken=dict(report.taken))
    keep(db)


def _set_up(db: Session) -> None:
    db.execute(LOCAL)


def _take_batch(db: Session, source: str, waiting: dict[str, list[Record]], report: Report) -> None:
    for kind, records in waiting.items():
        if not records:
            continue
        params = {"source": source, "rows": json.dumps([asdict(record) for record in records], default=_as_json)}
        *first, last = STATEMENTS[kind]
        for statement in first:
            db.execute(statement, params)
        outcomes = [Outcome(*row) for row in db.execute(last, params)]
        for outcome in outcomes:
            _note(report, kind, outcome)
        _refresh(db, {outcome.touched for outcome in outcomes if outcome.touched})
        if kind == Adoption.kind:
            ask_provider_of_each(db, [outcome.detail for outcome in outcomes if outcome.reason is None])
        records.clear()


def _refresh(db: Session, touched: set[UUID]) -> None:
    """Work out anew who has access until when."""
    if touched:
        done = set(db.scalars(GIVEN, {"people": list(touched)}))
        db.execute(REFRESH, {"people": list(touched - done)})


def _note(report: Report, kind: str, outcome: Outcome) -> None:
    if outcome.reason == "known":
        report.known[kind] += 1
        return
    in_part = bool(outcome.reason and outcome.reason.startswith(IN_PART))
    if outcome.reason is None or in_part:
        report.taken[kind] += 1
    if outcome.reason:
        reason = outcome.reason.removeprefix(IN_PART)
        report.note(
            Untaken(
                kind=kind,
                place=outcome.place,
                external_id=outcome.external_id,
                reason=reason,
                detail=outcome.detail,
                in_part=in_part,
            )
        )


def _as_json(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
