-- Who may do what with announcements: admins read all, others what they wrote and what was written to the people of a meeting
-- they host. Written by the functions beside this file alone.
create policy worker on announcements to portal_worker using (true) with check (true);
create policy everything on announcements for select to portal_admin using (true);
create policy own_or_hosted on announcements for select to portal_member
  using (written_by = (select auth.uid())
         or exists (select from meetings m where m.id = announcements.meeting_id and m.host_id = (select auth.uid())));
grant select, insert, update, delete on announcements to portal_worker, portal_definer;
grant select (
  id, meeting_id, audience, days, subject, body, written_by, by_admin, state, reason, written_at, leaves_at, ended_at
) on announcements to portal_member, portal_admin;
