-- As before, with parties: what one person changes is theirs alone and takes them out of it; only an offer is one for
-- all, and who takes it takes it for all. A host needs nobody's approval. A yes after a move is one to the new start.
create function decide_rsvp(m meetings, person uuid, response text, at timestamptz)
returns table (answer text, changed boolean, refusal text, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  a public.meeting_attendances;
  was text;
  becomes text;
begin
  select * into a from public.meeting_attendances x where x.meeting_id = m.id and x.user_id = person;
  was := coalesce(a.answer, 'none');
  offered := '{}';
  changed := false;

  if m.status = 'cancelled' then refusal := 'cancelled';
  elsif m.status in ('completed', 'archived') or m.ends_at <= at then refusal := 'over';
  elsif response = 'accepted' and not public.entitled(person, at) then refusal := 'no-access';
  elsif response = 'accepted' and was = 'rejected' then refusal := 'rejected';
  end if;
  if refusal is not null then answer := was; return next; return; end if;

  becomes := case
    when response = 'declined' then
      case when was in ('waitlisted', 'requested', 'offered') then 'withdrawn'
           when was in ('rejected', 'withdrawn') then was
           else 'declined' end
    when was in ('accepted', 'offered') then 'accepted'
    when m.requires_approval and was <> 'waitlisted' and person is distinct from m.host_id then 'requested'
    when (m.max_attendees is null or m.seats_taken < m.max_attendees)
         and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted'
    else 'waitlisted' end;

  answer := becomes;
  if becomes <> was then
    changed := true;
    insert into public.meeting_attendances as x (meeting_id, user_id, answer, responded_at, waiting_since, invited_at, reason)
    values (m.id, person, becomes, at, case when becomes = 'waitlisted' then at end, at, null)
    on conflict on constraint uq_meeting_attendances_meeting_id do update
      set answer = excluded.answer, responded_at = excluded.responded_at, waiting_since = excluded.waiting_since,
          offer_expires_at = null, reason = null, party_skips = 0,
          party_id = case when was = 'offered' and excluded.answer = 'accepted' then x.party_id end;
    if was = 'offered' and becomes = 'accepted' and a.party_id is not null then
      update public.meeting_attendances x set answer = 'accepted', offer_expires_at = null, responded_at = at
       where x.meeting_id = m.id and x.party_id = a.party_id and x.answer = 'offered';
    elsif (was in ('accepted', 'offered') and becomes <> 'accepted') or (was = 'waitlisted' and a.party_id is not null) then
      offered := public.promote(m.id, at);
    elsif becomes = 'waitlisted' then
      offered := public.seat_past_parties(m.id, array[person], at);
      if person <> all (offered) and exists (
           select from public.meeting_attendances x where x.meeting_id = m.id and x.user_id = person and x.answer = 'accepted') then
        answer := 'accepted';
      end if;
    end if;
  elsif was = 'accepted' and a.agreed_to <> m.starts_at then
    changed := true;
    update public.meeting_attendances x set agreed_to = m.starts_at, responded_at = at
     where x.meeting_id = m.id and x.user_id = person;
  end if;
  return next;
end
$$;
alter function decide_rsvp owner to portal_definer;
revoke all on function decide_rsvp from public;
