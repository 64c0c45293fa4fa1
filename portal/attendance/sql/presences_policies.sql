-- Who may do what with presences.
create policy worker on presences to portal_worker using (true) with check (true);
create policy everybody on presences for select to portal_admin using (true);
create policy own on presences for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on presences to portal_worker, portal_definer;
grant select on presences to portal_member, portal_admin;
