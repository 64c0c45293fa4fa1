-- The address that a link to confirm it was mailed to: whoever holds the link has the mail. Locks nothing.
create function auth.address_behind(link bytea)
returns text language sql stable security definer set search_path = '' as $$
  select u.email from public.one_time_tokens t join public.users u on u.id = t.user_id
   where t.token_hash = link and t.purpose = 'verify'
$$;
alter function auth.address_behind owner to portal_definer;
revoke all on function auth.address_behind from public;
grant execute on function auth.address_behind to portal_anonymous, portal_member, portal_admin;
