-- Yes for all of us: everybody has a place or nobody, and then all wait as one.
create function rsvp_together(meeting uuid)
returns table (answer text, people uuid[], refusal text, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
  party uuid := gen_random_uuid();
begin
  select * into m from public.meetings x where x.id = meeting for no key update;
  offered := '{}';
  if exists (select from public.meeting_attendances x
              where x.meeting_id = meeting and x.answer = 'offered' and x.offer_expires_at <= at) then
    perform public.lapse_offers(meeting, at);
    offered := public.promote(meeting, at);
    select * into m from public.meetings x where x.id = meeting;
  end if;
  people := array(select us.user_id from public.all_of_us(meeting, auth.uid(), at) us);
  refusal := case
    when m.id is null or m.is_private or m.requires_approval then 'unknown'
    when m.status = 'cancelled' then 'cancelled'
    when m.status in ('completed', 'archived') or m.ends_at <= at then 'over'
    when not public.entitled(auth.uid(), at) then 'no-access'
    when cardinality(people) = 0 then 'nobody'
    when cardinality(people) > m.max_attendees then 'too-many' end;
  if refusal is not null then return next; return; end if;

  answer := case when (m.max_attendees is null or m.seats_taken + cardinality(people) <= m.max_attendees)
                      and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted' else 'waitlisted' end;
  insert into public.meeting_attendances as x (meeting_id, user_id, answer, responded_at, waiting_since, invited_at, party_id)
  select meeting, p, answer, at, case when answer = 'waitlisted' then at end, at, party from unnest(people) p
  on conflict on constraint uq_meeting_attendances_meeting_id do update
    set answer = excluded.answer, responded_at = excluded.responded_at, waiting_since = excluded.waiting_since,
        reason = null, party_id = excluded.party_id, party_skips = 0, standing_answer_id = null;
  if answer = 'waitlisted' then
    offered := offered || public.seat_past_parties(meeting, people, at);
    select x.answer into answer from public.meeting_attendances x where x.meeting_id = meeting and x.user_id = people[1];
  end if;
  return next;
end
$$;
alter function rsvp_together owner to portal_definer;
revoke all on function rsvp_together from public;
grant execute on function rsvp_together to portal_member, portal_admin;
