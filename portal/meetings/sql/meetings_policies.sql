-- Who may do what with meetings.
create policy worker on meetings to portal_worker using (true) with check (true);
create policy change_meeting on meetings for update to portal_admin using (true) with check (true);
create policy everything on meetings for select to portal_admin using (true);
create policy open_or_invited on meetings for select to portal_member
  using (not is_private or exists (
    select from meeting_attendances a where a.meeting_id = meetings.id and a.user_id = (select auth.uid())));
create policy plan_meeting on meetings for insert to portal_admin with check (true);
grant select, insert, update, delete on meetings to portal_worker, portal_definer;
grant select (
  id, title, description, scheduled_date, start_time, duration, timezone, starts_at, ends_at, platform,
  max_attendees, status, created_at, updated_at, created_by, attendee_count, actual_duration, is_private,
  host_id, host_name, requires_approval, provision_state, origin, revision, cancellation_reason, archived_at,
  archived_from, seats_taken, waiting_count, request_count, series_id, series_date, changed_alone,
  is_recurring, invited_count, attendance_record
) on meetings to portal_member, portal_admin;
grant insert (
  id, title, description, scheduled_date, start_time, duration, timezone, starts_at, platform, max_attendees,
  created_by, is_private, host_id, host_name, requires_approval, origin
) on meetings to portal_admin;
grant update (
  title, description, scheduled_date, start_time, duration, timezone, starts_at, platform, max_attendees, status,
  is_private, host_id, host_name, requires_approval, revision, cancellation_reason, changed_alone
) on meetings to portal_admin;
