-- Who may do what with calendar_changes.
create policy worker on calendar_changes to portal_worker using (true) with check (true);
grant select, insert, update, delete on calendar_changes to portal_worker, portal_definer;
