-- Who may do what with second_factors.
grant select, insert, update, delete on second_factors to portal_definer;
