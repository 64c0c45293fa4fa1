-- As the pages do: first and last name, either, or the mailbox of the address.
create function display_name(u users)
returns text language sql immutable as $$
  select coalesce(nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), ''), split_part(u.email, '@', 1))
$$;
