-- Who may do what with meeting_notes.
create policy worker on meeting_notes to portal_worker using (true) with check (true);
grant select, insert, update, delete on meeting_notes to portal_worker, portal_definer;
