-- Who may do what with rooms: how a room stands is for admins and for the meeting's host, its addresses for neither.
create policy worker on rooms to portal_worker using (true) with check (true);
create policy everything on rooms for select to portal_admin using (true);
create policy of_host on rooms for select to portal_member
  using (exists (select from meetings m where m.id = rooms.meeting_id and m.host_id = (select auth.uid())));
grant select, insert, update, delete on rooms to portal_worker, portal_definer;
grant select (meeting_id, made_by, attempts, next_try_at, failure, ready_at, started_at, ended_at) on rooms
  to portal_member, portal_admin;
