-- Every stay in a room that overlaps the time of its meeting, from the host's door (40 minutes before the start) to four
-- hours after the end. Of one person only the best source that saw them counts (`is_best`): the platform's report, else its
-- events or our asking it, else the click on Join. `measured` is null where nobody knows how long it was: a click, or a
-- leaving whose coming was never told. What nobody told the end of lasts until the room ended, else the meeting; what ends
-- before it begins lasts no time.
-- For functions: no role that answers browsers reads it.
create view stays with (security_invoker = true) as
select s.*, s.rank = min(s.rank) over (partition by s.meeting_id, coalesce(s.user_id, s.participant_id)) as is_best
  from (select p.meeting_id, p.user_id, p.participant_id, p.source, p.device_type, p.joined_at,
               e.left_at, e.left_at is null and m.status in ('scheduled', 'active') as is_open,
               case p.source when 'report' then 1 when 'click' then 3 else 2 end as rank,
               case when p.source <> 'click' and p.joined_at is not null then
                 tstzrange(p.joined_at, greatest(p.joined_at, coalesce(e.left_at, m.ends_at))) * w.of_meeting end as measured
          from presences p
          join meetings m on m.id = p.meeting_id
          left join rooms r on r.meeting_id = m.id
         cross join lateral (
           select case when p.left_at is not null then greatest(p.joined_at, p.left_at)
                       when p.source <> 'click' and r.ended_at >= p.joined_at then r.ended_at end as left_at) e
         cross join lateral (
           select tstzrange(m.starts_at - interval '40 minutes', m.ends_at + interval '4 hours') as of_meeting) w
         where coalesce(p.joined_at, p.left_at) < upper(w.of_meeting) and coalesce(e.left_at, m.ends_at) >= lower(w.of_meeting)) s;
grant select on stays to portal_worker, portal_definer;
