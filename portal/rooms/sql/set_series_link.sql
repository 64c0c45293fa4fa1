-- A typed address, sealed by the caller, for a series and for those of its meetings ahead that have no address of their own;
-- null takes it away. Sealing the same address twice gives two texts, so a meeting that has the very text of the series has
-- the link from there. The meetings whose room changed. Holds the lock of series, then the meetings in the order of their
-- ids. Called by admins (portal/rooms/actions.py).
create function set_series_link(series uuid, sealed text)
returns setof uuid language plpgsql security definer set search_path = '' as $$
declare
  old text;
  which uuid[];
begin
  perform pg_advisory_xact_lock(hashtext('meeting_series'));
  select l.address into old from public.series_links l where l.series_id = series;
  if sealed is null then
    delete from public.series_links l where l.series_id = series;
  else
    insert into public.series_links as l (series_id, address) values (series, sealed)
        on conflict (series_id) do update set address = excluded.address;
  end if;
  select coalesce(array_agg(m.id order by m.id), '{}') into which
    from public.meetings m left join public.rooms r on r.meeting_id = m.id
   where m.series_id = series and m.status = 'scheduled' and m.starts_at > public.club_now()
     and (m.meeting_link = old or (sealed is not null and (m.meeting_link is null or r.made_by <> 'link')));
  perform public.keep_link(which, sealed);
  return query select unnest(which);
end
$$;
alter function set_series_link owner to portal_definer;
revoke all on function set_series_link from public;
grant execute on function set_series_link to portal_admin;
