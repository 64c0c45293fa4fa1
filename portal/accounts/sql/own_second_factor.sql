-- When the second factor of whoever asks was set up, what its next app was shown, and how many recovery codes are left.
create function auth.own_second_factor()
returns table (set_up_at timestamptz, pending text, codes_left integer) language sql stable security definer set search_path = '' as $$
  select f.set_up_at, f.pending, (select count(*) from public.recovery_codes c where c.user_id = f.user_id and c.used_at is null)::integer
    from public.second_factors f where f.user_id = auth.uid()
$$;
alter function auth.own_second_factor owner to portal_definer;
revoke all on function auth.own_second_factor from public;
grant execute on function auth.own_second_factor to portal_member, portal_admin;
