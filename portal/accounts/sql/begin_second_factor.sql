-- Keep the sealed secret an app was just shown; it counts only after a code of it (`auth.keep_second_factor`).
create function auth.begin_second_factor(sealed text)
returns void language sql security definer set search_path = '' as $$
  insert into public.second_factors (user_id, pending) values (auth.uid(), sealed)
  on conflict (user_id) do update set pending = excluded.pending
$$;
alter function auth.begin_second_factor owner to portal_definer;
revoke all on function auth.begin_second_factor from public;
grant execute on function auth.begin_second_factor to portal_member, portal_admin;
