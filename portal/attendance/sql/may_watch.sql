-- May this sign-in still watch this meeting, and (with names) see who is there?
create function may_watch(sign_in uuid, meeting uuid, names boolean)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.sign_ins s join public.users u on u.id = s.user_id join public.meetings m on m.id = meeting
     where s.id = sign_in and s.ended_at is null and not s.waits and u.is_active
       and s.seen_at > (select public.club_now()) - interval '14 days' and s.created_at > (select public.club_now()) - interval '90 days'
       and (not names or (u.is_admin and s.proved_at is not null) or u.access_until > (select public.club_now()))
       and (not m.is_private or (u.is_admin and s.proved_at is not null) or exists (
         select from public.meeting_attendances a where a.meeting_id = meeting and a.user_id = u.id)))
$$;
alter function may_watch owner to portal_definer;
revoke all on function may_watch from public;
grant execute on function may_watch to portal_web;
