-- The evenings of those in my family who share them: the last fourteen, and the next answer. Private ones are nobody's.
create function family_attendance()
returns table (user_id uuid, ticks text, title text, starts_at timestamptz, answer text) language sql stable security definer set search_path = '' as $$
  select u.id,
         (select string_agg(case when a.joined_at is null then '0' else '1' end, '' order by e.starts_at)
            from (select id, starts_at from public.meetings
                   where ends_at <= (select public.club_now()) and status <> 'cancelled' and not is_private
                      and attendance_record is distinct from 'not_recorded' order by starts_at desc limit 14) e
            left join public.meeting_attendances a on a.meeting_id = e.id and a.user_id = u.id),
         n.title, n.starts_at, n.answer
    from public.users me
    join public.users u on u.family_plan_id = me.family_plan_id and u.shares_attendance
    left join lateral (
      select e.title, e.starts_at, a.answer from public.meeting_attendances a join public.meetings e on e.id = a.meeting_id
       where a.user_id = u.id and e.status in ('scheduled', 'active') and e.ends_at > (select public.club_now()) and not e.is_private
         and a.answer in ('accepted', 'declined', 'waitlisted', 'offered')
       order by e.starts_at limit 1) n on true
   where me.id = auth.uid()
$$;
alter function family_attendance owner to portal_definer;
revoke all on function family_attendance from public;
grant execute on function family_attendance to portal_member, portal_admin;
