-- A policy on users that asked users would recurse; this function looks past the policies, for one's own row only.
create function auth.family_plan_id()
returns uuid language sql stable security definer set search_path = '' as $$
  select family_plan_id from public.users where id = auth.uid()
$$;
alter function auth.family_plan_id owner to portal_definer;
revoke all on function auth.family_plan_id from public;
grant execute on function auth.family_plan_id to portal_member;
