-- How each person takes part, without the meetings of which nobody knows who came. It obeys the policies of whoever reads it.
create view user_engagement with (security_invoker = true) as
select u.id, u.email, u.subscription_status,
       s.meetings_invited, s.meetings_attended, s.avg_meeting_duration, s.last_meeting_attended
  from users u
 cross join lateral (
   select count(*) as meetings_invited,
          count(*) filter (where a.status = 'attended') as meetings_attended,
          avg(a.join_duration) as avg_meeting_duration,
          max(a.joined_at) as last_meeting_attended
     from meeting_attendances a join meetings m on m.id = a.meeting_id
    where a.user_id = u.id and m.attendance_record is distinct from 'not_recorded') s;
grant select on user_engagement to portal_admin, portal_worker;
