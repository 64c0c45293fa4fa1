-- Is this person let in at this moment? The one rule for pages, actions and functions.
create function entitled(person uuid, at timestamptz)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.users
                  where id = person and is_active and email_verified and access_until > at)
$$;
alter function entitled owner to portal_definer;
revoke all on function entitled from public;
grant execute on function entitled to portal_worker;
