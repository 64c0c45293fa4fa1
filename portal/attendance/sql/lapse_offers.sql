-- Seats whose offer ran out are free again, whether or not a job has been by. No rule puts who let it run out into the line again.
create function lapse_offers(meeting uuid, at timestamptz)
returns void language sql security definer set search_path = '' as $$
  update public.meeting_attendances a
     set answer = 'withdrawn', offer_expires_at = null, responded_at = at, reason = 'The offer ran out.', standing_answer_id = null
   where a.meeting_id = meeting and a.answer = 'offered' and a.offer_expires_at <= at
     and exists (select from public.meetings m where m.id = meeting and m.status in ('scheduled', 'active'))
$$;
alter function lapse_offers owner to portal_definer;
revoke all on function lapse_offers from public;
