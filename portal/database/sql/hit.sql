-- One hit on a bucket shared by all processes. Zero: go on; else the seconds to wait.
create function auth.hit(bucket text, allowed integer, seconds integer)
returns integer language sql security definer set search_path = '' as $$
  insert into public.rate_limits as r (key, hits, expires_at)
  values (bucket, 1, clock_timestamp() + make_interval(secs => seconds))
  on conflict (key) do update set
    hits = case when r.expires_at <= clock_timestamp() then 1 else r.hits + 1 end,
    expires_at = case when r.expires_at <= clock_timestamp() then excluded.expires_at else r.expires_at end
  returning case when hits <= allowed then 0
                 else greatest(1, ceil(extract(epoch from expires_at - clock_timestamp()))::integer) end
$$;
alter function auth.hit owner to portal_definer;
revoke all on function auth.hit from public;
grant execute on function auth.hit to portal_web;
