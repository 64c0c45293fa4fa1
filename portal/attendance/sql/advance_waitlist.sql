-- Housekeeping for one meeting: offers end with its last hour, those that ran out lapse, and whoever is next is offered.
-- Who has to be told: of a new offer, or of an older one's new end. Also after more places were added or it was moved.
create function advance_waitlist(meeting uuid)
returns uuid[] language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  latest timestamptz;
  told uuid[];
begin
  select greatest(at + interval '15 minutes', m.starts_at - interval '1 hour') into latest
    from public.meetings m where m.id = meeting for no key update;
  with cut as (
    update public.meeting_attendances a set offer_expires_at = latest
     where a.meeting_id = meeting and a.answer = 'offered' and a.offer_expires_at > latest
    returning a.user_id)
  select array_agg(user_id) into told from cut;
  perform public.lapse_offers(meeting, at);
  return told || public.promote(meeting, at);
end
$$;
alter function advance_waitlist owner to portal_definer;
revoke all on function advance_waitlist from public;
grant execute on function advance_waitlist to portal_admin, portal_worker;
