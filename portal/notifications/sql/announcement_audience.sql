-- Whom a message to a group reaches at this moment: at most `most` people after one of them, in the order of their ids (null:
-- all). Only those with access, with an open account and a confirmed address, who did not switch announcements off; never
-- whoever writes. A host's message reaches nobody who is invited because everybody is: those are all members, and how many these
-- are is not for hosts to know. Of the club: `members`, or those whose access is `ending` within so many days and does not renew by itself.
-- Called by the worker for each batch, and by announcement_size.
create function announcement_audience(
  meeting uuid, audience text, days integer, writer uuid, by_admin boolean, after uuid, most integer
)
returns table (user_id uuid, email text, first_name text, timezone text)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  begins constant uuid := coalesce(after, '00000000-0000-0000-0000-000000000000');
begin
  if meeting is not null then
    return query
      select u.id, u.email, u.first_name, u.timezone
        from public.meeting_attendances a
        join public.users u on u.id = a.user_id
       where a.meeting_id = meeting and a.user_id > begins and a.user_id is distinct from writer
         and a.answer = any (case audience when 'coming' then '{accepted}' when 'waiting' then '{waitlisted,offered,requested}'
                                           when 'unanswered' then '{invited}' end ::text[])
         and (by_admin or a.answer <> 'invited' or not a.is_general)
         and u.is_active and u.email_verified and u.access_until > at
         and not exists (select from public.mail_preferences p
                          where p.user_id = u.id and 'announcement' = any (p.switched_off))
       order by a.user_id limit most;
  else
    return query
      select u.id, u.email, u.first_name, u.timezone
        from public.users u
       where u.id > begins and u.id is distinct from writer
         and u.is_active and u.email_verified and u.access_until > at
         and (audience = 'members'
              or u.access_until <= at + make_interval(days => days) and not exists (
                   select from public.subscriptions s
                    where s.live and s.ends_at is null and s.failed_at is null
                      and s.user_id in (u.id, (select f.primary_user_id from public.family_plans f
                                                where f.id = u.family_plan_id and f.is_active))))
         and not exists (select from public.mail_preferences p
                          where p.user_id = u.id and 'announcement' = any (p.switched_off))
       order by u.id limit most;
  end if;
end
$$;
alter function announcement_audience owner to portal_definer;
revoke all on function announcement_audience from public;
grant execute on function announcement_audience to portal_worker;
