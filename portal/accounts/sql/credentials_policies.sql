-- Who may do what with credentials.
grant select, insert, update, delete on credentials to portal_definer;
