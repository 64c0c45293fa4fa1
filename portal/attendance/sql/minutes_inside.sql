-- Minutes of these stays together, each minute once. Null if nothing was measured.
create function minutes_inside(measured tstzmultirange)
returns integer language sql immutable set search_path = '' as $$
  select case when measured is not null then
    (select coalesce(round(sum(extract(epoch from upper(r) - lower(r))) / 60), 0)::integer from unnest(measured) r) end
$$;
alter function minutes_inside owner to portal_definer;
revoke all on function minutes_inside from public;
