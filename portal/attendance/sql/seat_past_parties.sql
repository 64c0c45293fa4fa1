-- Who joins a line of parties too large for what is free, or of people who are away, does not wait for them: what they are
-- offered they have.
create function seat_past_parties(meeting uuid, people uuid[], at timestamptz)
returns uuid[] language plpgsql security definer set search_path = '' as $$
declare offered uuid[] := '{}';
begin
  -- Where every place is taken nothing is to be offered, and a long line is not read for each who joins it.
  if not exists (select from public.meetings m where m.id = meeting and (m.max_attendees is null or m.seats_taken < m.max_attendees)) then
    return offered;
  end if;
  if exists (select from public.meeting_attendances x where x.meeting_id = meeting and x.answer = 'waitlisted'
                and (x.party_id is not null or public.is_away(x.user_id, at))) then
    offered := public.promote(meeting, at);
    update public.meeting_attendances x set answer = 'accepted', offer_expires_at = null
     where x.meeting_id = meeting and x.user_id = any (people) and x.answer = 'offered';
  end if;
  return array(select o from unnest(offered) o where o <> all (people));
end
$$;
alter function seat_past_parties owner to portal_definer;
revoke all on function seat_past_parties from public;
