-- Who may do what with family_memberships.
create policy worker on family_memberships to portal_worker using (true) with check (true);
create policy everybody on family_memberships for select to portal_admin using (true);
create policy own on family_memberships for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on family_memberships to portal_definer;
grant insert, update, delete on family_memberships to portal_worker;
grant select (id, plan_id, user_id, role, state, email, sent_at, expires_at, joined_at, ended_at) on family_memberships to portal_member, portal_admin, portal_worker;
