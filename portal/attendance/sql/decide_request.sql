-- The host's or an admin's word on a request: what it became, null if nobody asked (any more), and who was offered a
-- place meanwhile. Accepting when full, or when others wait, puts the person in the line.
create function decide_request(meeting uuid, person uuid, accept boolean, why text)
returns table (answer text, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
begin
  if not public.runs_meeting(meeting) then raise insufficient_privilege; end if;
  perform from public.meetings x where x.id = meeting for no key update;
  perform public.lapse_offers(meeting, at);
  offered := public.promote(meeting, at);
  select * into m from public.meetings x where x.id = meeting;
  answer := case when not accept then 'rejected'
                 when not public.entitled(person, at) then 'withdrawn'
                 when (m.max_attendees is null or m.seats_taken < m.max_attendees)
                      and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted'
                 else 'waitlisted' end;
  update public.meeting_attendances x
     set answer = decide_request.answer, responded_at = at,
         reason = case decide_request.answer when 'rejected' then why when 'withdrawn' then 'Your access ended before it.' end,
         waiting_since = case when decide_request.answer = 'waitlisted' then at end
   where x.meeting_id = meeting and x.user_id = person and x.answer = 'requested'
     and m.status in ('scheduled', 'active') and m.ends_at > at;
  if not found then
    answer := null;
  elsif answer = 'waitlisted' then
    offered := offered || public.seat_past_parties(meeting, array[person], at);
    answer := (select x.answer from public.meeting_attendances x where x.meeting_id = meeting and x.user_id = person);
  end if;
  return next;
end
$$;
alter function decide_request owner to portal_definer;
revoke all on function decide_request from public;
grant execute on function decide_request to portal_member, portal_admin;
