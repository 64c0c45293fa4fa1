-- For the primary: invitations that are open, and removals that can still be taken back.
create function family_invitations()
returns table (
  id uuid, state text, email text, first_name text, sent_at timestamptz, expires_at timestamptz,
  ended_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select m.id, m.state, coalesce(u.email, m.email), u.first_name, m.sent_at[cardinality(m.sent_at)], m.expires_at, m.ended_at
    from public.family_plans p
    join public.family_memberships m on m.plan_id = p.id
    left join public.users u on u.id = m.user_id
   where p.primary_user_id = auth.uid() and p.is_active
     and ((m.state = 'invited' and m.expires_at > (select public.club_now())) or (m.state = 'removed' and m.ended_at > (select public.club_now()) - interval '10 seconds'))
   order by m.sent_at, m.id
$$;
alter function family_invitations owner to portal_definer;
revoke all on function family_invitations from public;
grant execute on function family_invitations to portal_member, portal_admin;
