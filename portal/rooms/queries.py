"""What the worker has to do about rooms, and how the room of one meeting stands."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from portal.database.query import Query


class Claim(NamedTuple):
    """A room that is to be made or changed, and this worker's to do; `duration` is minutes.

    `old_platform` and `old_provider_id` are those of the room there was so far. None: there was none.
    """

    meeting_id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    duration: int
    timezone: str
    is_private: bool
    platform: str
    old_platform: str
    old_provider_id: str | None
    attempts: int
    ready_at: datetime | None


class Standing(NamedTuple):
    """A room that is ready at a platform, and what may be missing of it."""

    meeting_id: UUID
    platform: str
    provider_id: str
    ends_at: datetime
    has_registrants: bool | None
    wants_host_address: bool
    wants_registrants: bool


class Unregistered(NamedTuple):
    """Somebody who said yes and has no address of their own yet."""

    user_id: UUID
    email: str
    first_name: str | None
    last_name: str | None


class Former(NamedTuple):
    """Somebody who has an address of their own, and should not have one any more."""

    user_id: UUID
    registrant_id: str


class Obsolete(NamedTuple):
    """A room at a platform that is to be deleted there."""

    platform: str
    provider_id: str
    attempts: int


class RoomRow(NamedTuple):
    """How the room of a meeting stands; the fields after `provision_state` are None while there is none."""

    meeting_id: UUID
    title: str
    ends_at: datetime
    platform: str
    provision_state: str
    made_by: str | None
    attempts: int | None
    next_try_at: datetime | None
    failure: str | None


# A room is made within the horizon, again after a failure, and changed when the meeting is another than it was made for.
DUE = """
m.status in ('scheduled', 'active') and m.ends_at > :at and m.platform = any(:platforms)
and r.made_by is distinct from 'link' and coalesce(r.next_try_at <= :at, true)
and case m.provision_state
      when 'ready' then (r.made_by, r.title, r.starts_at, r.duration) <> (m.platform, m.title, m.starts_at, m.duration)
      else m.starts_at <= :horizon end
"""
DUE_MEETINGS = text(f"""
select m.id from meetings m left join rooms r on r.meeting_id = m.id
 where {DUE} order by m.starts_at, m.id
""")  # noqa: S608
# Takes the work for a while, so that no second worker asks for the same room; who dies on the way leaves it to the next.
CLAIM = Query(
    Claim,
    text(f"""
with due as (
  select m.id, m.title, m.starts_at, m.ends_at, m.duration, m.timezone, m.is_private, m.platform, m.meeting_id,
         m.provision_state
    from meetings m left join rooms r on r.meeting_id = m.id
   where m.id = :meeting and {DUE} for no key update of m skip locked),
claimed as (
  insert into rooms as r (meeting_id, made_by, title, starts_at, duration, next_try_at)
  select id, platform, title, starts_at, duration, :until from due
      on conflict (meeting_id) do update set next_try_at = excluded.next_try_at
   where coalesce(r.next_try_at <= :at, true) and r.made_by <> 'link'
  returning made_by, attempts, ready_at),
shown as (
  update meetings m set provision_state = 'requested' from due, claimed where m.id = due.id and due.provision_state <> 'ready')
select due.id as meeting_id, due.title, due.starts_at, due.ends_at, due.duration, due.timezone, due.is_private, due.platform,
       claimed.made_by as old_platform, due.meeting_id as old_provider_id, claimed.attempts, claimed.ready_at
  from due, claimed
"""),  # noqa: S608
)
LOCK = text("select id from meetings where id = :meeting for no key update")
# For who holds the meeting, in a statement of its own: one that waited for the lock would still see the rooms of before.
WANTED = text("""
select m.status in ('scheduled', 'active') and m.platform = :platform
   and not exists (select from rooms r where r.meeting_id = m.id and r.made_by = 'link')
  from meetings m where m.id = :meeting
""")
IS_STILL_ITS_ROOM = text("""
select exists (select from meetings m join rooms r on r.meeting_id = m.id
                where m.id = :meeting and m.meeting_id = :provider_id and r.made_by = :platform)
""")
READY = text("""
with kept as (
  update meetings set meeting_link = :sealed, meeting_id = :provider_id, provision_state = 'ready' where id = :meeting)
update rooms set made_by = :platform, title = :title, starts_at = :starts_at, duration = :duration, attempts = 0,
                 next_try_at = null, failure = null, ready_at = :at, host_address = null, host_address_until = null,
                 has_registrants = case when :is_new then null else has_registrants end
 where meeting_id = :meeting
""")
FAILED = text("""
with shown as (
  update meetings set provision_state = 'failed' where id = :meeting and provision_state = 'requested')
update rooms set attempts = attempts + 1, failure = :sentence, next_try_at = :next_try_at where meeting_id = :meeting
""")
FORGET_REGISTRANTS = text("delete from room_registrants where meeting_id = :meeting")
# Moved or held after all: what failed before says nothing about now.
START_ANEW = text("""
update rooms set attempts = 0, next_try_at = null, failure = null where meeting_id = :meeting and made_by <> 'link' and attempts > 0
""")
# Somebody deleted it at the platform. After the end it stays known by its name there, for the report.
GONE = text("""
with gone as (
  update meetings set meeting_link = null, meeting_id = null, provision_state = 'gone'
   where id = :meeting and meeting_id = :provider_id and status in ('scheduled', 'active') and ends_at > :at returning id)
update rooms r set attempts = 0, next_try_at = null from gone where r.meeting_id = gone.id
""")
DISCARD = text("""
insert into obsolete_rooms (platform, provider_id) values (:platform, :provider_id) on conflict do nothing
""")
# The room a meeting has, where it is another than the one it gets: one at another platform, or of a worker that was quicker.
DISCARD_OTHER = text("""
insert into obsolete_rooms (platform, provider_id)
select r.made_by, m.meeting_id from meetings m join rooms r on r.meeting_id = m.id
 where m.id = :meeting and (r.made_by, m.meeting_id) <> (:platform, :provider_id) on conflict do nothing
""")
# A typed link stays with a cancelled meeting, for whoever takes the cancellation back; a platform's room does not.
CANCELLED = text("""
with off as (
  select m.id, m.meeting_id, r.made_by from meetings m join rooms r on r.meeting_id = m.id
   where m.status = 'cancelled' and m.provision_state not in ('none', 'gone') and r.made_by <> 'link'
   order by m.id for no key update of m),
discarded as (
  insert into obsolete_rooms (platform, provider_id)
  select made_by, meeting_id from off where meeting_id is not null on conflict do nothing),
bare as (delete from room_registrants g using off where g.meeting_id = off.id),
closed as (
  update rooms r set host_address = null, host_address_until = null, attempts = 0, next_try_at = null, failure = null
    from off where r.meeting_id = off.id)
update meetings m set meeting_link = null, meeting_id = null, provision_state = 'gone' from off where m.id = off.id
returning m.id
""")
OBSOLETE = Query(
    Obsolete,
    text("""
update obsolete_rooms set attempts = attempts + 1, next_try_at = :until
 where (platform, provider_id) in (select platform, provider_id from obsolete_rooms
                                    where platform = any(:platforms) and coalesce(next_try_at <= :at, true)
                                    order by platform, provider_id limit 1 for update skip locked)
returning platform, provider_id, attempts
"""),
)
REMOVED = text("delete from obsolete_rooms where platform = :platform and provider_id = :provider_id")
PUT_OFF = text("""
update obsolete_rooms set next_try_at = :next_try_at where platform = :platform and provider_id = :provider_id
""")
# Who said yes and may come, beside the address they have of their own.
COMING = "a.answer = 'accepted' and u.is_active and coalesce(u.access_until > :at, false)"
WITHOUT_ADDRESS = f"""
  from meeting_attendances a join users u on u.id = a.user_id
  left join room_registrants g on g.meeting_id = a.meeting_id and g.user_id = a.user_id
 where a.meeting_id = {{meeting}} and {COMING} and (g.user_id is null or g.revoked_at is not null)
"""
NO_LONGER_COMING = f"""
  from room_registrants g join users u on u.id = g.user_id
  left join meeting_attendances a on a.meeting_id = g.meeting_id and a.user_id = g.user_id
 where g.meeting_id = {{meeting}} and g.revoked_at is null and not (coalesce({COMING}, false))
"""
STANDING = Query(
    Standing,
    text(f"""
select m.id as meeting_id, m.platform, m.meeting_id as provider_id, m.ends_at, r.has_registrants,
       (m.host_id is not null and m.starts_at <= :host_soon and coalesce(
         r.host_address_until <= :renew_until, r.host_address is null)) as wants_host_address,
       (coalesce(r.has_registrants, true) and (
         exists (select {WITHOUT_ADDRESS.format(meeting="m.id")})
         or exists (select {NO_LONGER_COMING.format(meeting="m.id")}))) as wants_registrants
  from meetings m join rooms r on r.meeting_id = m.id
 where m.provision_state = 'ready' and m.status in ('scheduled', 'active') and m.ends_at > :at and m.meeting_id is not null
   and r.made_by = m.platform and m.platform = any(:platforms) and coalesce(r.next_try_at <= :at, true)
   and (cast(:meeting as uuid) is null or m.id = :meeting)
 order by m.starts_at, m.id
"""),  # noqa: S608
)
# As CLAIM: two at once would register everybody twice.
CLAIM_READY = text("""
update rooms set next_try_at = :until where meeting_id = :meeting and coalesce(next_try_at <= :at, true)
returning meeting_id
""")
UNREGISTERED = Query(
    Unregistered,
    text(f"""
select u.id as user_id, u.email, u.first_name, u.last_name {WITHOUT_ADDRESS.format(meeting=":meeting")}
 order by u.id limit 30
"""),
)
REGISTERED = text("""
insert into room_registrants as g (meeting_id, user_id, registrant_id, address)
values (:meeting, :user_id, :registrant_id, :sealed)
on conflict (meeting_id, user_id) do update
   set registrant_id = excluded.registrant_id, address = excluded.address, revoked_at = null
""")
HAS_REGISTRANTS = text("update rooms set has_registrants = :yes where meeting_id = :meeting")
FORMER = Query(
    Former,
    text(f"""
select g.user_id, g.registrant_id {NO_LONGER_COMING.format(meeting=":meeting")} order by g.user_id
"""),
)
REVOKED = text("update room_registrants set revoked_at = :at where meeting_id = :meeting and user_id = :user_id")
HOST_ADDRESS = text("""
update rooms set host_address = :sealed, host_address_until = :until where meeting_id = :meeting
""")
# How long a ready room is left alone; null: no longer.
LEAVE_ALONE = text("update rooms set next_try_at = :until where meeting_id = :meeting")
# A year after the end: whom it was for stays in the answers, the addresses go.
ERASE = (
    text("delete from room_registrants g using meetings m where m.id = g.meeting_id and m.status = 'archived'"),
    text("delete from recordings x using meetings m where m.id = x.meeting_id and m.status = 'archived'"),
    text("""
update rooms r set host_address = null, host_address_until = null from meetings m
 where m.id = r.meeting_id and m.status = 'archived' and r.host_address is not null
"""),
)
ONE = Query(
    RoomRow,
    text("""
select m.id as meeting_id, m.title, m.ends_at, m.platform, m.provision_state, r.made_by, r.attempts, r.next_try_at, r.failure
  from meetings m left join rooms r on r.meeting_id = m.id where m.id = :meeting
"""),
)
TROUBLED = Query(
    RoomRow,
    text("""
select m.id as meeting_id, m.title, m.ends_at, m.platform, m.provision_state, r.made_by, r.attempts, r.next_try_at, r.failure
  from rooms r join meetings m on m.id = r.meeting_id
 where r.failure is not null and m.status in ('scheduled', 'active') and m.ends_at > :at
 order by m.starts_at, m.id limit 5
"""),
)
"""Rooms that an admin should look at."""
