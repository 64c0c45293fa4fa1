-- Takes one try out of a bucket again, since it was none: what was tried succeeded, or was never looked at. Asked in the
-- transaction of the success, so that a success that is not kept gives nothing back. Locks the bucket's row.
create function auth.give_back(bucket text)
returns void language sql security definer set search_path = '' as $$
  update public.rate_limits set hits = hits - 1 where key = bucket and hits > 0
$$;
alter function auth.give_back owner to portal_definer;
revoke all on function auth.give_back from public;
grant execute on function auth.give_back to portal_anonymous, portal_member, portal_admin;
