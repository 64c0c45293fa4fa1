-- Who may do what with free_days: the worker and the definer's functions.
create policy worker on free_days to portal_worker using (true) with check (true);
grant select, insert, update, delete on free_days to portal_worker, portal_definer;
