-- What a platform said about a room of ours is noted once: true for the first time. About a room that is none of ours
-- (the account may have other meetings, with other people in them) nothing is noted. Holds no lock. Anybody may knock;
-- the signature was checked at the door.
create function note_room_event(
  event_id text, event_platform text, event_kind text, room text, event_body jsonb, created timestamptz
)
returns boolean language sql security definer set search_path = '' as $$
  with noted as (
    insert into public.room_events (id, platform, kind, provider_id, body, occurred_at, received_at)
    select event_id, event_platform, event_kind, room, event_body, created, public.club_now()
     where exists (select from public.meetings where meeting_id = room and platform = event_platform)
    on conflict do nothing returning id)
  select exists (select from noted)
$$;
alter function note_room_event owner to portal_definer;
revoke all on function note_room_event from public;
grant execute on function note_room_event to portal_anonymous;
