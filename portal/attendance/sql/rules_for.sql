-- What the rules of each person, or of one (else null), want for a meeting, one answer a person: who is away is away, and a
-- rule about its series is more particular than one about its weekday. Nobody's yes whose access has ended.
--   weekdays   which day it is on by the clocks of each zone that people with rules live in: {"Europe/Istanbul": 2}. The
--              database does not work it out, since its zone rules are not those times are shown by.
--   since      when the rule was made: who had theirs first comes first
-- Called by `follow_rules`.
create function rules_for(meeting uuid, weekdays jsonb, person uuid)
returns table (user_id uuid, rule uuid, response text, since timestamptz) language sql stable as $$
  select w.user_id, w.rule, w.response, w.since
    from (select distinct on (s.user_id) s.user_id, s.id as rule, s.response, s.created_at as since,
                 u.email_verified and u.access_until > public.club_now() as may_come
            from public.meetings m
            join public.standing_answers s on s.starts_at <= m.starts_at and (s.ends_at is null or s.ends_at > m.starts_at)
            join public.users u on u.id = s.user_id
           where m.id = meeting and (person is null or s.user_id = person) and s.ended_at is null and u.is_active
             and (s.kind = 'away' or s.series_id = m.series_id or s.weekday = (weekdays ->> u.timezone)::integer)
           order by s.user_id, case s.kind when 'away' then 1 when 'series' then 2 else 3 end, s.created_at desc, s.id desc) w
   where w.response = 'declined' or w.may_come
$$;
alter function rules_for owner to portal_definer;
revoke all on function rules_for from public;
