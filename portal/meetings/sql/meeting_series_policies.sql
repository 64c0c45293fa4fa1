-- Who may do what with meeting_series.
create policy worker on meeting_series to portal_worker using (true) with check (true);
create policy change_series on meeting_series for update to portal_admin using (true) with check (true);
create policy everything on meeting_series for select to portal_admin using (true);
create policy of_meetings on meeting_series for select to portal_member
  using (exists (select from meetings m where m.series_id = meeting_series.id));
create policy plan_series on meeting_series for insert to portal_admin with check (true);
grant select, insert, update, delete on meeting_series to portal_worker, portal_definer;
grant select (
  id, title, description, host_id, repeats, weekdays, month_day, month_week, start_time, timezone, duration, platform,
  max_attendees, requires_approval, is_private, only_if_free, starts_on, ends_on, skipped, revision, created_by,
  created_at, updated_at
) on meeting_series to portal_member, portal_admin;
grant insert (
  id, title, description, host_id, repeats, weekdays, month_day, month_week, start_time, timezone, duration,
  platform, max_attendees, requires_approval, is_private, only_if_free, starts_on, ends_on, skipped,
  created_by
) on meeting_series to portal_admin;
grant update (
  title, description, host_id, repeats, weekdays, month_day, month_week, start_time, timezone, duration,
  platform, max_attendees, requires_approval, is_private, only_if_free, starts_on, ends_on, skipped, revision
) on meeting_series to portal_admin;
