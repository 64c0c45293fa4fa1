-- What an invitation says to whoever holds its token. Reading changes nothing.
create function read_invitation(token bytea)
returns table (
  state text, plan_name text, host text, email text, has_account boolean, until timestamptz,
  free_until timestamptz
) language sql stable security definer set search_path = '' as $$
  select case when m.state = 'invited' and m.expires_at <= public.club_now() then 'expired' else m.state end, p.plan_name,
         coalesce(u.first_name, split_part(u.email, '@', 1)), m.email,
         exists (select from public.users k where k.email_key = lower(m.email) and k.email_verified),
         p.subscription_expiry, m.expires_at
    from public.family_memberships m
    join public.family_plans p on p.id = m.plan_id
    join public.users u on u.id = p.primary_user_id
   where m.token_hash = token
$$;
alter function read_invitation owner to portal_definer;
revoke all on function read_invitation from public;
grant execute on function read_invitation to portal_anonymous, portal_member, portal_admin;
