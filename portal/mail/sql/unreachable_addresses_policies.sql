-- Who may do what with unreachable_addresses.
create policy worker on unreachable_addresses to portal_worker using (true) with check (true);
grant select, insert, update, delete on unreachable_addresses to portal_worker, portal_definer;
