-- By the long token of a link, or by address and typed code (five tries, then the code is dead).
create function auth.redeem(wanted text, token bytea, address text, code bytea, new_hash text, at timestamptz)
returns uuid language plpgsql security definer set search_path = '' as $$
declare t public.one_time_tokens;
begin
  if token is not null then
    update public.one_time_tokens o set used_at = at
     where o.token_hash = token and o.purpose = wanted and o.used_at is null and o.expires_at > at
    returning * into t;
  else
    update public.one_time_tokens o set used_at = at
     where o.id = (select n.id from public.one_time_tokens n join public.users u on u.id = n.user_id
                    where u.email_key = lower(address) and n.purpose = wanted and n.code_hash = code
                      and n.used_at is null and n.expires_at > at and n.wrong_codes < 5 limit 1)
       and o.used_at is null
    returning * into t;
    if t.id is null then
      update public.one_time_tokens o set wrong_codes = wrong_codes + 1 from public.users u
       where u.email_key = lower(address) and o.user_id = u.id and o.purpose = wanted and o.used_at is null;
    end if;
  end if;
  if t.id is null then return null; end if;
  update public.one_time_tokens o set used_at = at where o.user_id = t.user_id and o.purpose = wanted and o.used_at is null;
  if wanted = 'verify' then
    update public.users u set email_verified = true, first_name = t.payload ->> 'first_name',
           last_name = t.payload ->> 'last_name', timezone = t.payload ->> 'timezone'
     where u.id = t.user_id and not u.email_verified;
    if not found then return null; end if;
  else
    update public.users u set email_verified = true where u.id = t.user_id and not u.email_verified;
    update public.sign_ins s set ended_at = at where s.user_id = t.user_id and s.ended_at is null;
  end if;
  insert into public.credentials values (t.user_id, coalesce(new_hash, t.payload ->> 'password_hash'), at)
    on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at;
  return t.user_id;
end
$$;
alter function auth.redeem owner to portal_definer;
revoke all on function auth.redeem from public;
grant execute on function auth.redeem to portal_anonymous, portal_member, portal_admin;
