-- Whether mails to the own address come back for good: one row, or none. Of no other address anything is told.
create function my_unreachable_address()
returns table (last_at timestamptz, reason text) language sql stable security definer set search_path = '' as $$
  select a.last_at, a.reason from public.unreachable_addresses a join public.users u on u.email_key = a.address_key
   where u.id = auth.uid() and a.hard
$$;
alter function my_unreachable_address owner to portal_definer;
revoke all on function my_unreachable_address from public;
grant execute on function my_unreachable_address to portal_member, portal_admin;
