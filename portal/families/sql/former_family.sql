-- Who was in the family this primary paid for until it ended, at most sixty days ago, and is not in it now.
create function former_family()
returns table (email text, first_name text) language sql stable security definer set search_path = '' as $$
  select distinct u.email, u.first_name
    from public.family_plans now
    join public.family_plans before on before.primary_user_id = now.primary_user_id and before.dissolved_at > (select public.club_now()) - interval '60 days'
    join public.family_memberships m on m.plan_id = before.id and m.state = 'ended' and m.role = 'member'
    join public.users u on u.id = m.user_id and u.is_active and u.family_plan_id is null
   where now.primary_user_id = auth.uid() and now.is_active and not before.is_active
     and not exists (select from public.family_memberships x
                      where x.plan_id = now.id and (x.user_id = u.id or lower(x.email) = u.email_key))
   order by 1
$$;
alter function former_family owner to portal_definer;
revoke all on function former_family from public;
grant execute on function former_family to portal_member, portal_admin;
