-- Who may do what with unreachable_addresses: an admin reads them, and takes the mark from one.
create policy admin on unreachable_addresses for select to portal_admin using (true);
create policy lift on unreachable_addresses for delete to portal_admin using (true);
create policy worker on unreachable_addresses to portal_worker using (true) with check (true);
grant select, delete on unreachable_addresses to portal_admin;
grant select, insert, update, delete on unreachable_addresses to portal_worker, portal_definer;
