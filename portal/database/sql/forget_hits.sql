-- Forget the tries counted in a bucket.
create function auth.forget_hits(bucket text)
returns void language sql security definer set search_path = '' as $$
  delete from public.rate_limits where key = bucket
$$;
alter function auth.forget_hits owner to portal_definer;
revoke all on function auth.forget_hits from public;
grant execute on function auth.forget_hits to portal_web;
