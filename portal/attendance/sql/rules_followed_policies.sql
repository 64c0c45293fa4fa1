-- Who may do what with rules_followed.
create policy worker on rules_followed to portal_worker using (true) with check (true);
grant select, insert, update, delete on rules_followed to portal_worker, portal_definer;
