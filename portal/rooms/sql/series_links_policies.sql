-- Who may do what with series_links.
create policy worker on series_links to portal_worker using (true) with check (true);
grant select, insert, update, delete on series_links to portal_worker, portal_definer;
