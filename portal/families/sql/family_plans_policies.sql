-- Who may do what with family_plans.
create policy worker on family_plans to portal_worker using (true) with check (true);
create policy everybody on family_plans for select to portal_admin using (true);
create policy own on family_plans for select to portal_member
  using (id = (select auth.family_plan_id()));
create policy own_change on family_plans for update to portal_member, portal_admin
  using (primary_user_id = (select auth.uid()))
  with check (primary_user_id = (select auth.uid()));
grant select, insert, update, delete on family_plans to portal_worker, portal_definer;
grant select on family_plans to portal_member, portal_admin;
grant update (plan_name) on family_plans to portal_member, portal_admin;
