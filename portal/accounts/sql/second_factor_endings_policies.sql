-- Who may do what with second_factor_endings: the worker looks for what is due; all else goes through functions.
create policy worker on second_factor_endings for select to portal_worker using (true);
grant select, insert, update, delete on second_factor_endings to portal_definer;
grant select on second_factor_endings to portal_worker;
