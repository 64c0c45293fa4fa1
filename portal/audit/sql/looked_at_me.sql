-- Which admins opened the pages about the person who asks, or read a mail to them, the latest first and ten at most: by the
-- first name alone. What they did there is not told, nor anything of anybody else. For the account page.
create function looked_at_me()
returns table (looked_at timestamptz, operation text, first_name text)
language sql stable security definer set search_path = '' as $$
  select l.timestamp, l.operation, u.first_name
    from public.system_logs l left join public.users u on u.id = l.user_id
   where l.subject_id = auth.uid() and l.user_id <> auth.uid() and l.operation in ('person.opened', 'mail.opened')
   order by l.timestamp desc limit 10
$$;
alter function looked_at_me owner to portal_definer;
revoke all on function looked_at_me from public;
grant execute on function looked_at_me to portal_member, portal_admin;
