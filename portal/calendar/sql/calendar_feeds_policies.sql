-- Who may do what with calendar_feeds. Nobody reads what opens one; an address is found by `read_feed`.
create policy own on calendar_feeds to portal_member, portal_admin
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy worker on calendar_feeds to portal_worker using (true) with check (true);
grant select (id, user_id, name, shows, created_at) on calendar_feeds to portal_member, portal_admin;
grant insert (id, user_id, name, shows, token_hash) on calendar_feeds to portal_member, portal_admin;
grant delete on calendar_feeds to portal_member, portal_admin;
grant select, insert, update, delete on calendar_feeds to portal_worker, portal_definer;
