-- The turn of a mail to an address at this domain: how long it waits so that no more than `a_minute` leave in a minute once
-- a minute's worth has left at once. Its turn is taken, so whoever was told to wait comes back at that time and does not ask
-- again. The queue's clock is the real one, and so is this. Locks the domain's row until the end of the transaction.
create function mail_turn(domain text, a_minute integer)
returns interval language sql security definer set search_path = '' as $$
  insert into public.rate_limits as r (key, hits, expires_at)
  values ('mail:' || domain, 1, clock_timestamp() + interval '1 minute' / a_minute)
  on conflict (key) do update set
    expires_at = greatest(r.expires_at, clock_timestamp()) + interval '1 minute' / a_minute
  returning greatest(expires_at - clock_timestamp() - interval '1 minute', interval '0')
$$;
alter function mail_turn owner to portal_definer;
revoke all on function mail_turn from public;
grant execute on function mail_turn to portal_worker;
