-- The code from the new address: the address is theirs now, the old one is remembered for thirty days, and what was mailed
-- there opens nothing any more. Mails reach the new one, whatever came back from it before. The own address may be confirmed
-- once more; then it stays the only one. A sign-up that was never confirmed does not keep the address from the person who just
-- proved to own it. Answers with the old address; null if the code opens nothing (five tries, then it is dead).
create function auth.change_address(code bytea)
returns text language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  wanted text; old text;
begin
  update public.one_time_tokens set used_at = at
   where user_id = auth.uid() and purpose = 'address' and code_hash = code and used_at is null and expires_at > at and wrong_codes < 5
  returning payload ->> 'email' into wanted;
  if wanted is null then
    update public.one_time_tokens set wrong_codes = wrong_codes + 1
     where user_id = auth.uid() and purpose = 'address' and used_at is null;
    return null;
  end if;
  select email into old from public.users where id = auth.uid() for update;
  delete from public.unreachable_addresses where address_key in (lower(wanted), lower(old));
  delete from public.users where email_key = lower(wanted) and not email_verified and id <> auth.uid();
  update public.users set email = wanted where id = auth.uid();
  if lower(old) <> lower(wanted) then
    insert into public.former_addresses (user_id, email, until) values (auth.uid(), old, at);
  end if;
  update public.one_time_tokens set used_at = at where user_id = auth.uid() and used_at is null and purpose <> 'keep_factor';
  return old;
exception when unique_violation then
  return null;
end
$$;
alter function auth.change_address owner to portal_definer;
revoke all on function auth.change_address from public;
grant execute on function auth.change_address to portal_member, portal_admin;
