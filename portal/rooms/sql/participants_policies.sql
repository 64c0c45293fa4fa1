-- Who may do what with participants.
create policy worker on participants to portal_worker using (true) with check (true);
grant select, insert, update, delete on participants to portal_worker, portal_definer;
