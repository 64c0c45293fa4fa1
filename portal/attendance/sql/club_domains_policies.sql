-- Who may do what with club_domains.
create policy worker on club_domains to portal_worker using (true) with check (true);
grant select, insert, update, delete on club_domains to portal_worker, portal_definer;
