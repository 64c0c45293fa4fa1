-- Empties a bucket: whoever it keeps out has proved to be its owner by other means (a mail). Asked in the transaction of
-- that proof.
create function auth.forget_hits(bucket text)
returns void language sql security definer set search_path = '' as $$
  delete from public.rate_limits where key = bucket
$$;
alter function auth.forget_hits owner to portal_definer;
revoke all on function auth.forget_hits from public;
grant execute on function auth.forget_hits to portal_anonymous, portal_member, portal_admin;
