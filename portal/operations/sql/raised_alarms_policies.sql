-- Who may do what with raised_alarms: nobody but the worker, who writes to the operator.
create policy worker on raised_alarms to portal_worker using (true) with check (true);
grant select, insert, update, delete on raised_alarms to portal_worker, portal_definer;
