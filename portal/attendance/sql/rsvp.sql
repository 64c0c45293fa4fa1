-- Say yes ('accepted') or no ('declined') to a meeting, as whoever asks. Locks the meeting's row, so that of two who want
-- the last seat the second sees the first. Offers that ran out go to the next first. `offered` are the people to be told
-- of an offer; no row if there is no such meeting for them. The worker asks in the name of whoever replied by mail. The
-- decision itself is `decide_rsvp`. What one says oneself, were it the same again, no rule changes from then on.
create function rsvp(meeting uuid, response text)
returns table (answer text, changed boolean, refusal text, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
  tended uuid[] := '{}';
begin
  if response not in ('accepted', 'declined') then
    raise exception 'an answer is accepted or declined' using errcode = 'check_violation', constraint = 'check_answer';
  end if;
  select * into m from public.meetings x where x.id = meeting for no key update;
  if m.id is null or auth.uid() is null or (m.is_private and not exists (
       select from public.meeting_attendances x where x.meeting_id = meeting and x.user_id = auth.uid())) then
    return;
  end if;
  if exists (select from public.meeting_attendances x
              where x.meeting_id = meeting and x.answer = 'offered' and x.offer_expires_at <= at) then
    perform public.lapse_offers(meeting, at);
    tended := public.promote(meeting, at);
    select * into m from public.meetings x where x.id = meeting;
  end if;
  select d.answer, d.changed, d.refusal, tended || d.offered into answer, changed, refusal, offered
    from public.decide_rsvp(m, auth.uid(), response, at) d;
  if refusal is null then
    update public.meeting_attendances x set standing_answer_id = null
     where x.meeting_id = meeting and x.user_id = auth.uid() and x.standing_answer_id is not null;
  end if;
  return next;
end
$$;
alter function rsvp owner to portal_definer;
revoke all on function rsvp from public;
grant execute on function rsvp to portal_member, portal_admin, portal_worker;
