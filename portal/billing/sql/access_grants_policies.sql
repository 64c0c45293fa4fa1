-- Who may do what with access_grants.
create policy worker on access_grants to portal_worker using (true) with check (true);
create policy everybody on access_grants for select to portal_admin using (true);
create policy own on access_grants for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on access_grants to portal_worker, portal_definer;
grant select on access_grants to portal_member, portal_admin;
