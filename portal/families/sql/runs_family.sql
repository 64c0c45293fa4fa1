-- The primary runs the family; an admin may where the function lets one.
create function runs_family(f family_plans, or_admin boolean)
returns boolean language sql stable security definer set search_path = '' as $$
  select coalesce(f.is_active and (f.primary_user_id = auth.uid() or (or_admin and current_setting('role') = 'portal_admin')), false)
$$;
alter function runs_family owner to portal_definer;
revoke all on function runs_family from public;
