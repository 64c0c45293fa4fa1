-- The end of an account, by its owner: out of what is coming, out of the family, signed out everywhere, and nameless.
-- The row stays for the counts, orders stay as they are. Each meeting that changed, and who was offered a seat in it.
create function auth.close_account()
returns table (meeting_id uuid, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  me uuid := auth.uid();
  plan uuid;
  f public.family_plans;
  m public.meetings;
begin
  -- Whoever pays, then the plan, then the person: as everybody who changes a family holds them.
  loop
    select u.family_plan_id into plan from public.users u where u.id = me;
    f := public.lock_family(plan, at);
    perform from public.users u where u.id = me and u.family_plan_id is not distinct from plan for no key update;
    exit when found;
  end loop;
  if f.primary_user_id = me and f.current_members > 1 then
    raise exception 'others have a seat in this family' using errcode = 'check_violation', constraint = 'check_family_left';
  end if;
  -- Who was only invited as everybody is leaves no answer behind.
  delete from public.meeting_attendances a using public.meetings x
   where x.id = a.meeting_id and a.user_id = me and x.ends_at > at
     and a.is_general and a.answer = 'invited' and a.joined_at is null and a.outcome is null;
  for m in select x.* from public.meetings x
            where x.ends_at > at and x.status in ('scheduled', 'active') and exists (
                  select from public.meeting_attendances a where a.meeting_id = x.id and a.user_id = me
                     and a.answer in ('invited', 'accepted', 'offered', 'waitlisted', 'requested'))
            order by x.id for no key update
  loop
    meeting_id := m.id;
    offered := '{}';
    perform public.close_presences(m.id, me, at);
    if m.starts_at > at then
      select d.offered into offered from public.decide_rsvp(m, me, 'declined', at) d;
    end if;
    return next;
  end loop;
  update public.meetings set host_id = null, host_name = null where host_id = me;
  if f.primary_user_id = me then
    perform public.close_family(plan, at);
  else
    update public.family_memberships set state = 'left', ended_at = at where user_id = me and state = 'active';
  end if;
  update public.family_memberships set email = null where user_id = me and state <> 'invited';
  update public.family_plans set plan_name = null where primary_user_id = me;
  delete from public.unreachable_addresses a using public.users u where u.id = me and a.address_key = u.email_key;
  delete from public.mail_preferences where user_id = me;
  update public.inbox_messages set sender = null, outcome = 'The account is closed.', calendar = null, token = null
   where user_id = me or lower(sender) = (select email_key from public.users where id = me);
  update public.users
     set email = me || '@closed.invalid', first_name = 'Closed', last_name = 'account', timezone = 'UTC',
         preferred_meeting_time = '21:00', last_login_at = null, is_active = false, is_admin = false, closed_at = at
   where id = me;
  perform public.refresh_projection(me, at);
  -- That an address had its free days outlives the account, and no longer tells whose they were.
  update public.free_days set user_id = null, kept_until = at + interval '3 years' where user_id = me;
  delete from public.credentials where user_id = me;
  delete from public.recovery_codes where user_id = me;
  delete from public.second_factors where user_id = me;
  delete from public.second_factor_endings where user_id = me;
  delete from public.former_addresses where user_id = me;
  delete from public.known_accounts where user_id = me;
  delete from public.standing_answers where user_id = me;
  update public.meeting_attendances set note = null where user_id = me and note is not null;
  update public.participants set name = '', account = null, email = null where user_id = me;
  delete from public.calendar_changes where user_id = me;
  delete from public.calendar_entries where user_id = me;
  delete from public.one_time_tokens where user_id = me;
  -- Nameless, they tell calendars that still look that there is nothing any more.
  update public.calendar_feeds set name = '' where user_id = me;
  -- Ended before they are deleted: that is what open streams listen for.
  update public.sign_ins set ended_at = at where user_id = me and ended_at is null;
  delete from public.sign_ins where user_id = me;
  -- What they wrote to groups goes no further, and its words are forgotten.
  update public.announcements
     set body = '', ended_at = coalesce(ended_at, at),
         state = case when state in ('leaving', 'sending') then 'stopped' else state end
   where written_by = me;
  update public.mails
     set recipient = 'nobody@closed.invalid', text = null, html = null, method = null, calendar = null,
         state = case state when 'queued' then 'dropped' else state end
   where user_id = me;
end
$$;
alter function auth.close_account owner to portal_definer;
revoke all on function auth.close_account from public;
grant execute on function auth.close_account to portal_member, portal_admin;
