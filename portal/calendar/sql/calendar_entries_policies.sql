-- Who may do what with calendar_entries.
create policy worker on calendar_entries to portal_worker using (true) with check (true);
grant select, insert, update, delete on calendar_entries to portal_worker, portal_definer;
