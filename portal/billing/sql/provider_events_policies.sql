-- Who may do what with provider_events.
create policy worker on provider_events to portal_worker using (true) with check (true);
create policy everybody on provider_events for select to portal_admin using (true);
grant select, insert, update, delete on provider_events to portal_worker, portal_definer;
grant select on provider_events to portal_admin;
