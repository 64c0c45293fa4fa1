-- Free seats go to the next in line, as before. A party that does not fit is passed over and keeps its place, at most
-- three times; from then on the seats that come free are kept for it. Who is away is passed over too, as often as need be, and
-- keeps their place for when they are back; a party that is away as a whole likewise. The caller holds the meeting's row.
create function promote(meeting uuid, at timestamptz)
returns uuid[] language plpgsql as $$
declare
  free integer := 0;
  until timestamptz;
  a public.meeting_attendances;
  block uuid[];
  passed uuid[] := '{}';
  offered uuid[] := '{}';
begin
  select greatest(0, coalesce(max_attendees, seats_taken + waiting_count) - seats_taken),
         greatest(at + interval '15 minutes', least(at + interval '12 hours', starts_at - interval '1 hour'))
    into free, until
    from public.meetings
   where id = meeting and status = 'scheduled' and at <= starts_at - interval '1 hour' and waiting_count > 0;
  if coalesce(free, 0) = 0 then return offered; end if;
  for a in select * from public.meeting_attendances where meeting_id = meeting and answer = 'waitlisted'
            order by waiting_since, id loop
    exit when free = 0 or exists (
      select from public.meeting_attendances x where x.meeting_id = meeting and x.party_id = any (passed) and x.party_skips >= 3);
    continue when a.user_id = any (offered) or a.party_id = any (passed);
    block := array(select x.user_id from public.meeting_attendances x
                    where x.meeting_id = meeting and x.answer = 'waitlisted' and (x.id = a.id or x.party_id = a.party_id));
    continue when not exists (select from unnest(block) p where not public.is_away(p, at));
    if cardinality(block) > free then
      passed := passed || a.party_id;
    else
      update public.meeting_attendances x set answer = 'offered', waiting_since = null, offer_expires_at = until
       where x.meeting_id = meeting and x.user_id = any (block);
      update public.meeting_attendances x set party_skips = party_skips + 1
       where x.meeting_id = meeting and x.party_id = any (passed) and x.answer = 'waitlisted';
      offered := offered || block;
      free := free - cardinality(block);
    end if;
  end loop;
  return offered;
end
$$;
alter function promote owner to portal_definer;
revoke all on function promote from public;
