-- Who may do what with adoptions.
create policy worker on adoptions to portal_worker using (true) with check (true);
grant select, insert, update, delete on adoptions to portal_worker, portal_definer;
