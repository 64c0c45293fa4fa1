-- Whoever asks clicked on Join and still has the meeting's page open. Its silence is no departure: on a phone the page
-- sleeps while the person is in the room.
create function touch_presence(meeting uuid)
returns void language sql security definer set search_path = '' as $$
  update public.presences set seen_at = public.club_now()
   where meeting_id = meeting and user_id = auth.uid() and source = 'click' and left_at is null
$$;
alter function touch_presence owner to portal_definer;
revoke all on function touch_presence from public;
grant execute on function touch_presence to portal_member, portal_admin;
