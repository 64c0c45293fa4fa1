-- Who may do what with procrastinate_events.
create policy worker on procrastinate_events to portal_worker using (true) with check (true);
create policy cascades on procrastinate_events for insert to portal_owner with check (true);
create policy enqueue on procrastinate_events for insert to portal_anonymous, portal_member, portal_admin
  with check (type in ('deferred', 'scheduled'));
grant select, insert, update, delete on procrastinate_events to portal_worker, portal_definer;
grant insert on procrastinate_events to portal_anonymous, portal_member, portal_admin;
grant usage on sequence procrastinate_events_id_seq to portal_anonymous, portal_member, portal_admin, portal_worker, portal_definer;
