-- What to compare a typed code with, for the browser of this sign-in; one that waits may be asked for ten minutes.
create function auth.second_factor(key bytea, asked_slot integer)
returns table (user_id uuid, email text, secret text, last_step bigint, code_hash text) language sql stable security definer set search_path = '' as $$
  select u.id, u.email, f.secret, f.last_step, c.code_hash
    from public.sign_ins s
    join public.users u on u.id = s.user_id and u.is_active
    join public.second_factors f on f.user_id = u.id and f.secret is not null
    left join public.recovery_codes c on c.user_id = u.id and c.slot = asked_slot and c.used_at is null
   where s.key_hash = key and s.ended_at is null and s.created_at > public.club_now() - interval '90 days'
     and s.seen_at > public.club_now() - case when s.waits then interval '10 minutes' else interval '14 days' end
$$;
alter function auth.second_factor owner to portal_definer;
revoke all on function auth.second_factor from public;
grant execute on function auth.second_factor to portal_anonymous, portal_member, portal_admin;
