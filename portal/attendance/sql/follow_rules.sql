-- Answers one meeting that has not begun by the rules of everybody, or of one person (else null), `at_most` answers at a
-- time: those who were answered for, those who were offered a place because of it, and whether somebody asks for a place now.
-- A rule answers where the person has not, and changes only what a rule answered; what is no longer one's to answer, because
-- it is undone or its time is another, is taken back or becomes what the person's other rules want; a note to the host goes with
-- the answer it was written beside. A row that a rule makes is
-- an invitation as everybody has it, so that what is left of it lets nobody into a meeting that becomes private. Each answer is
-- the ordinary one (`decide_rsvp`), the oldest rule first; where there is a place for everybody, and for every no, many are
-- written at once. Nothing more to answer: nobody is answered for. Locks the meeting's row. Called by the worker (portal/attendance/standing.py).
create function follow_rules(meeting uuid, weekdays jsonb, person uuid, at_most integer)
returns table (answered uuid[], offered uuid[], requested boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
  c record;
  d record;
begin
  answered := '{}'; offered := '{}'; requested := false;
  -- One person and everybody want plans of their own.
  perform set_config('plan_cache_mode', 'force_custom_plan', true);
  select * into m from public.meetings x where x.id = meeting for no key update;
  if m.id is null or m.status <> 'scheduled' or m.starts_at <= at then return; end if;
  perform public.lapse_offers(meeting, at);
  offered := public.promote(meeting, at);
  select * into m from public.meetings x where x.id = meeting;

  with plain as (
    select r.user_id, r.rule, r.response
      from public.rules_for(meeting, weekdays, person) r
      left join public.meeting_attendances a on a.meeting_id = m.id and a.user_id = r.user_id
     where (a.answer = 'invited' or (a.id is null and not m.is_private))
       and (r.response = 'declined' or (m.max_attendees is null and not m.requires_approval and m.waiting_count = 0))
     order by r.user_id limit at_most),
  written as (
    insert into public.meeting_attendances as x (
           meeting_id, user_id, answer, responded_at, invited_at, is_general, standing_answer_id, email_domain, is_external_domain)
    select meeting, p.user_id, p.response, at, at, true, p.rule, split_part(u.email_key, '@', 2),
           exists (select from public.club_domains)
           and not exists (select from public.club_domains k where k.domain = split_part(u.email_key, '@', 2))
      from plain p join public.users u on u.id = p.user_id
     order by p.user_id
    on conflict on constraint uq_meeting_attendances_meeting_id do update
      set answer = excluded.answer, responded_at = excluded.responded_at, standing_answer_id = excluded.standing_answer_id,
          reason = null
    returning x.user_id)
  select coalesce(array_agg(w.user_id), '{}') into answered from written w;
  if cardinality(answered) >= at_most then return next; return; end if;

  -- Two hundred at a time: each leaves a version of the meeting's row behind, and all of them are read for the next.
  for c in
    select coalesce(r.user_id, a.user_id) as user_id, r.rule, r.response, a.answer,
           coalesce(a.answer in ('accepted', 'offered', 'waitlisted', 'requested'), false) as holds
      from public.rules_for(meeting, weekdays, person) r
      full join (select * from public.meeting_attendances x
                  where x.meeting_id = meeting and (person is null or x.user_id = person)) a on a.user_id = r.user_id
      left join public.standing_answers s on s.id = a.standing_answer_id
     where case
             when a.id is null then not m.is_private
             when a.answer = 'invited' then r.rule is not null
             when s.id is null or a.joined_at is not null then false
             when s.ended_at is not null then not s.keeps_answers
             when m.starts_at < s.starts_at or m.starts_at >= s.ends_at then true
             else a.answer <> 'rejected'
                  and (r.response = 'accepted') <> (a.answer in ('accepted', 'offered', 'waitlisted', 'requested'))
           end
     order by r.since nulls first, r.rule limit least(200, at_most - cardinality(answered))
  loop
    answered := answered || c.user_id;
    select * into m from public.meetings x where x.id = meeting;
    if c.answer = 'rejected' then
      update public.meeting_attendances x set standing_answer_id = null where x.meeting_id = m.id and x.user_id = c.user_id;
    elsif c.rule is null then
      if c.holds then
        offered := offered || (select y.offered from public.decide_rsvp(m, c.user_id, 'declined', at) y);
      end if;
      update public.meeting_attendances x set answer = 'invited', responded_at = null, reason = null, standing_answer_id = null, note = null
       where x.meeting_id = m.id and x.user_id = c.user_id;
    else
      -- One after the other also in the line.
      select * into d from public.decide_rsvp(m, c.user_id, c.response, at + cardinality(answered) * interval '1 microsecond');
      offered := offered || d.offered;
      requested := requested or d.answer = 'requested';
      update public.meeting_attendances x
         set standing_answer_id = c.rule, is_general = x.is_general or c.answer is null,
             reason = case when x.answer = 'withdrawn' then 'One of your rules says no.' else x.reason end,
             note = case when c.holds = (c.response = 'accepted') then x.note end
       where x.meeting_id = m.id and x.user_id = c.user_id;
    end if;
  end loop;
  return next;
end
$$;
alter function follow_rules owner to portal_definer;
revoke all on function follow_rules from public;
grant execute on function follow_rules to portal_worker;
