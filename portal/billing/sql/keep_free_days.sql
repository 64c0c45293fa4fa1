-- Who had the free days keeps having had them under every address of theirs. In the current user's own name, when the
-- address changes and when the account is closed.
create function keep_free_days(marks bytea[])
returns void language sql security definer set search_path = '' as $$
  insert into public.free_days (mark, user_id)
  select distinct m, auth.uid() from unnest(marks) m
   where exists (select from public.access_grants where user_id = auth.uid() and kind = 'welcome')
  on conflict (mark) do update set user_id = excluded.user_id, kept_until = null
$$;
alter function keep_free_days owner to portal_definer;
revoke all on function keep_free_days from public;
grant execute on function keep_free_days to portal_member, portal_admin;
