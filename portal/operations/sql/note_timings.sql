-- What a process counted since it last said so.
create function note_timings(today date, statements jsonb, pool jsonb, requests jsonb default '[]')
returns void language sql security definer set search_path = '' as $$
  insert into public.statement_timings as t (day, statement, calls, total_ms, most_ms)
  select today, s.statement, sum(s.calls), sum(s.total_ms), max(s.most_ms)
    from jsonb_to_recordset(statements) s (statement text, calls bigint, total_ms double precision, most_ms double precision)
   group by s.statement order by s.statement
      on conflict (day, statement) do update
     set calls = t.calls + excluded.calls, total_ms = t.total_ms + excluded.total_ms,
         most_ms = greatest(t.most_ms, excluded.most_ms);

  insert into public.pool_timings as t (day, taken, waited_ms, waits, timeouts, timed_out_at)
  select today, p.taken, p.waited_ms, p.waits, p.timeouts, p.timed_out_at
    from jsonb_to_record(pool) p (taken bigint, waited_ms double precision, waits bigint[], timeouts bigint,
                                  timed_out_at timestamptz)
      on conflict (day) do update
     set taken = t.taken + excluded.taken, waited_ms = t.waited_ms + excluded.waited_ms,
         waits = (select array_agg(coalesce(one, 0) + coalesce(two, 0) order by step)
                    from unnest(t.waits, excluded.waits) with ordinality u (one, two, step)),
         timeouts = t.timeouts + excluded.timeouts, timed_out_at = greatest(t.timed_out_at, excluded.timed_out_at);

  insert into public.request_timings as t (route, status, requests, total_ms)
  select r.route, r.status, r.requests, r.total_ms
    from jsonb_to_recordset(requests) r (route text, status integer, requests bigint, total_ms double precision)
   order by r.route, r.status
      on conflict (route, status) do update
     set requests = t.requests + excluded.requests, total_ms = t.total_ms + excluded.total_ms;
$$;
alter function note_timings owner to portal_definer;
revoke all on function note_timings from public;
grant execute on function note_timings to portal_web, portal_worker;
