-- A mailed link or code sets a password: by the long token of a link, or by address and typed code (five tries, then the
-- code is dead). With `verify` the address is theirs from now on, under the names of that sign-up; with `reset` every
-- sign-in ends, and a second factor that is said to be lost ends in three days if its owner is a member. Nothing opens an
-- account nobody confirmed but its own sign-up. Whoever read the mail is reached: it is sent to again, whatever came back from
-- there before. No row if it opens nothing (any more).
create function auth.redeem(wanted text, token bytea, address text, code bytea, new_hash text, factor_lost boolean default false)
returns table (user_id uuid, email text, factor_ends boolean) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  t public.one_time_tokens;
begin
  if token is not null then
    update public.one_time_tokens o set used_at = at
     where o.token_hash = token and o.purpose = wanted and o.used_at is null and o.expires_at > at
    returning * into t;
  else
    update public.one_time_tokens o set used_at = at
     where o.id = auth.token_of_code(wanted, address, code) and o.used_at is null
    returning * into t;
  end if;
  if t.id is null then return; end if;
  update public.one_time_tokens o set used_at = at where o.user_id = t.user_id and o.purpose = wanted and o.used_at is null;
  if wanted = 'verify' then
    update public.users u set email_verified = true, first_name = t.payload ->> 'first_name',
           last_name = t.payload ->> 'last_name', timezone = t.payload ->> 'timezone'
     where u.id = t.user_id and not u.email_verified
    returning u.email into email;
  else
    select u.email into email from public.users u where u.id = t.user_id and u.email_verified for no key update;
  end if;
  if not found then return; end if;
  user_id := t.user_id;
  delete from public.unreachable_addresses where address_key = lower(email);
  insert into public.credentials values (t.user_id, new_hash, at)
    on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at;
  if wanted = 'reset' then
    update public.sign_ins s set ended_at = at where s.user_id = t.user_id and s.ended_at is null;
    insert into public.second_factor_endings (user_id, asked_at, ends_at)
      select u.id, at, at + interval '72 hours' from public.users u
       where factor_lost and u.id = t.user_id and not u.is_admin
         and exists (select from public.second_factors f where f.user_id = u.id and f.secret is not null)
      on conflict do nothing;
  end if;
  factor_ends := factor_lost and exists (select from public.second_factor_endings e where e.user_id = t.user_id);
  return next;
end
$$;
alter function auth.redeem owner to portal_definer;
revoke all on function auth.redeem from public;
grant execute on function auth.redeem to portal_anonymous, portal_member, portal_admin;
