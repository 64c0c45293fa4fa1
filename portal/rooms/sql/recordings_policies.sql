-- Who may do what with recordings: what is not published is for the meeting's host and for admins alone.
create policy worker on recordings to portal_worker using (true) with check (true);
create policy everything on recordings for select to portal_admin using (true);
create policy of_host on recordings for select to portal_member
  using (exists (select from meetings m where m.id = recordings.meeting_id and m.host_id = (select auth.uid())));
create policy readers on recordings for select to portal_member
  using (published_at is not null and may_read_notes(meeting_id));
grant select, insert, update, delete on recordings to portal_worker, portal_definer;
grant select (id, meeting_id, kind, address, offered_at, published_at) on recordings to portal_member, portal_admin;
