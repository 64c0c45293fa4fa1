-- Who may do what with recovery_codes.
grant select, insert, update, delete on recovery_codes to portal_definer;
