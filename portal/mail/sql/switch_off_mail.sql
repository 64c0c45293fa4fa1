-- Switches a category of mail off for a person, for the signed address in a mail, which needs no sign-in: whoever calls has
-- checked the signature. It can only switch off, and does nothing for an account that is closed. Locks the person's choices.
create function switch_off_mail(person uuid, category text)
returns void language sql security definer set search_path = '' as $$
  insert into public.mail_preferences as p (user_id, switched_off, digest, reminders, calendar_mails)
  select u.id,
         case when category in ('digest', 'reminder', 'confirmation') then '{}' else array[category] end,
         case category when 'digest' then 'never' else 'daily' end,
         case category when 'reminder' then '{}' else '{60}' end::integer[],
         category <> 'confirmation'
    from public.users u where u.id = person and u.closed_at is null
  on conflict (user_id) do update set
    switched_off = array(select distinct unnest(p.switched_off || excluded.switched_off) order by 1),
    digest = case category when 'digest' then 'never' else p.digest end,
    reminders = case category when 'reminder' then '{}' else p.reminders end,
    calendar_mails = p.calendar_mails and excluded.calendar_mails
$$;
alter function switch_off_mail owner to portal_definer;
revoke all on function switch_off_mail from public;
grant execute on function switch_off_mail to portal_anonymous, portal_member, portal_admin;
