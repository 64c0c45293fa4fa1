-- Who may do what with meeting_notes: read by those whom `may_read_notes` lets, written by write_notes alone.
create policy worker on meeting_notes to portal_worker using (true) with check (true);
create policy everything on meeting_notes for select to portal_admin using (true);
create policy readers on meeting_notes for select to portal_member using (may_read_notes(meeting_id));
grant select, insert, update, delete on meeting_notes to portal_worker, portal_definer;
grant select (meeting_id, body) on meeting_notes to portal_member, portal_admin;
