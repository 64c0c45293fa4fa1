-- Whether an address was typed for a series; which, nobody is told. Called by admins (portal/rooms/actions.py).
create function has_series_link(series uuid)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.series_links l where l.series_id = series)
$$;
alter function has_series_link owner to portal_definer;
revoke all on function has_series_link from public;
grant execute on function has_series_link to portal_admin;
