-- Who may do what with known_accounts.
create policy worker on known_accounts to portal_worker using (true) with check (true);
grant select, insert, update, delete on known_accounts to portal_worker, portal_definer;
