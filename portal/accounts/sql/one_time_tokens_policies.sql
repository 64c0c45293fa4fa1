-- Who may do what with one_time_tokens.
create policy worker on one_time_tokens to portal_worker using (true) with check (true);
grant select, insert, update, delete on one_time_tokens to portal_definer;
grant delete on one_time_tokens to portal_worker;
grant select (id, user_id, expires_at, used_at) on one_time_tokens to portal_worker;
