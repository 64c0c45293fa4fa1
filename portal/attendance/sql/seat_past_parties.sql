-- Who joins a line of parties too large for what is free does not wait for them: what they are offered they have.
create function seat_past_parties(meeting uuid, people uuid[], at timestamptz)
returns uuid[] language plpgsql security definer set search_path = '' as $$
declare offered uuid[] := '{}';
begin
  if exists (select from public.meeting_attendances x where x.meeting_id = meeting and x.answer = 'waitlisted' and x.party_id is not null) then
    offered := public.promote(meeting, at);
    update public.meeting_attendances x set answer = 'accepted', offer_expires_at = null
     where x.meeting_id = meeting and x.user_id = any (people) and x.answer = 'offered';
  end if;
  return array(select o from unnest(offered) o where o <> all (people));
end
$$;
alter function seat_past_parties owner to portal_definer;
revoke all on function seat_past_parties from public;
