-- What the host of a meeting and admins see of its room besides what everybody sees: who said yes and has not come,
-- who is inside and should leave (their access ended, or their place was taken back), who is inside that nobody knows, by
-- the platform's name; how many the platform sees inside, two devices of one person once, and how many came through our
-- door; when those who are missing were last reminded. No row for anybody else.
create function host_board(meeting uuid)
returns table (missing text[], should_leave text[], unknown text[], heads integer, came_in integer, reminded_at timestamptz)
language sql stable security definer set search_path = '' as $$
  with inside as (
    select s.user_id, s.participant_id, s.source from public.stays s where s.meeting_id = meeting and s.is_open and s.is_best)
  select array(select public.display_name(u) from public.missing_people(m.id) x join public.users u on u.id = x.user_id
                order by u.name_key, u.id limit 200),
         array(select public.display_name(u) from public.users u
                 left join public.meeting_attendances a on a.meeting_id = m.id and a.user_id = u.id
                where u.id in (select i.user_id from inside i)
                  and (not public.entitled(u.id, (select public.club_now())) or coalesce(a.answer in ('withdrawn', 'rejected'), m.is_private))
                order by u.name_key, u.id),
         array(select p.name from public.participants p
                where p.id in (select i.participant_id from inside i where i.user_id is null) and not p.is_guest
                order by p.name, p.id),
         (select count(distinct coalesce(i.user_id, i.participant_id))::integer from inside i where i.source <> 'click'),
         (select count(distinct p.user_id)::integer from public.presences p where p.meeting_id = m.id and p.source = 'click'),
         r.reminded_at
    from public.meetings m left join public.rooms r on r.meeting_id = m.id
   where m.id = meeting and public.runs_meeting(meeting)
$$;
alter function host_board owner to portal_definer;
revoke all on function host_board from public;
grant execute on function host_board to portal_member, portal_admin;
