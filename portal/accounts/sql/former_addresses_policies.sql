-- Who may do what with former_addresses: the worker forgets them in time, their owner takes a copy.
create policy worker on former_addresses to portal_worker using (true) with check (true);
create policy own on former_addresses for select to portal_member, portal_admin using (user_id = (select auth.uid()));
grant select, insert, update, delete on former_addresses to portal_definer;
grant select, delete on former_addresses to portal_worker;
grant select on former_addresses to portal_member, portal_admin;
