-- Who may do what with rate_limits.
create policy worker on rate_limits to portal_worker using (true) with check (true);
grant select, insert, update, delete on rate_limits to portal_definer;
grant delete on rate_limits to portal_worker;
grant select (key, expires_at) on rate_limits to portal_worker;
