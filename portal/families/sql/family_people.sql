-- A member's own family: first names for all, whole names and addresses for the primary. Nothing else of anybody's life.
create function family_people()
returns table (
  user_id uuid, first_name text, last_name text, email text, family_role text, family_joined_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select u.id, u.first_name, case when me.family_role = 'primary' or u.id = me.id then u.last_name end,
         case when me.family_role = 'primary' or u.id = me.id then u.email end, u.family_role, u.family_joined_at
    from public.users me join public.users u on u.family_plan_id = me.family_plan_id
   where me.id = auth.uid()
   order by u.family_role desc, u.family_joined_at, u.id
$$;
alter function family_people owner to portal_definer;
revoke all on function family_people from public;
grant execute on function family_people to portal_member, portal_admin;
