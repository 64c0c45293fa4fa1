-- Makes the club's row from a process's settings when there is none; later starts change nothing. Called by
-- `portal.club.first_start` as either login, before anything is served. Of two at once the first one's row stands.
create function first_club(settings jsonb)
returns void language sql security definer set search_path = '' as $$
  insert into public.club (club_name, help_email, club_address, club_domains, club_timezone, default_meeting_time,
                           doors_minutes, welcome_days, grace_days)
  select s.club_name, s.help_email, s.club_address, s.club_domains, s.club_timezone, s.default_meeting_time,
         s.doors_minutes, s.welcome_days, s.grace_days
    from jsonb_populate_record(null::public.club, settings) s
      on conflict do nothing
$$;
alter function first_club owner to portal_definer;
revoke all on function first_club from public;
grant execute on function first_club to portal_web, portal_worker;
