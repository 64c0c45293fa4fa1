-- A typed address, sealed, becomes the room of these meetings; null takes what was typed away. What a platform had made for
-- them is left for the worker to delete there. Locks the meetings. For functions that know who may.
create function keep_link(which uuid[], sealed text)
returns void language plpgsql security definer set search_path = '' as $$
begin
  perform from public.meetings m where m.id = any (which) order by m.id for no key update;
  insert into public.obsolete_rooms (platform, provider_id)
  select r.made_by, m.meeting_id from public.meetings m join public.rooms r on r.meeting_id = m.id
   where m.id = any (which) and m.meeting_id is not null and r.made_by <> 'link'
      on conflict do nothing;
  update public.meetings m
     set meeting_link = sealed, meeting_id = null, provision_state = case when sealed is null then 'none' else 'ready' end
   where m.id = any (which);
  delete from public.room_registrants g where g.meeting_id = any (which);
  if sealed is null then
    delete from public.rooms r where r.meeting_id = any (which);
  else
    insert into public.rooms as r (meeting_id, made_by, title, starts_at, duration, ready_at)
    select m.id, 'link', m.title, m.starts_at, m.duration, public.club_now() from public.meetings m where m.id = any (which)
        on conflict (meeting_id) do update
       set made_by = 'link', ready_at = excluded.ready_at, attempts = 0, next_try_at = null, failure = null,
           host_address = null, host_address_until = null, has_registrants = null;
  end if;
end
$$;
alter function keep_link owner to portal_definer;
revoke all on function keep_link from public;
