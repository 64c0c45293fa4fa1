-- What became of each meeting, but for those of which nobody knows who came. Each row asks for its own attendances, so a filtered read never counts the whole club;
-- and the view obeys the policies of whoever reads it.
create view meeting_statistics with (security_invoker = true) as
select m.id, m.title, m.scheduled_date, coalesce(m.archived_from, m.status) as status,
       coalesce(m.invited_count::bigint, (select count(*) from meeting_attendances a where a.meeting_id = m.id)) as invited_count,
       s.attended_count, s.external_attendees, s.avg_duration
  from meetings m
 cross join lateral (
   select count(*) filter (where a.outcome = 'attended') as attended_count,
          count(*) filter (where a.outcome = 'attended' and a.is_external_domain) as external_attendees,
          avg(a.join_duration) as avg_duration
     from meeting_attendances a
    where a.meeting_id = m.id
      and (not a.is_general or a.answer <> 'invited' or a.joined_at is not null or a.outcome is not null)) s
 where m.attendance_record is distinct from 'not_recorded';
grant select on meeting_statistics to portal_admin, portal_worker;
