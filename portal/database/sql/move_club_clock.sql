-- Lets time pass in the demo: its clock is so far ahead of the real one from now on, and never goes back. Anybody may ask,
-- as at /sandbox/clock, and on a real club's database nothing happens: the owner has not said that it is a sandbox.
-- Answers whether it was moved.
create function move_club_clock(further interval)
returns boolean language sql security definer set search_path = '' as $$
  with moved as (
    update public.club_clock set ahead = further where is_sandbox and further > ahead returning true)
  select exists (select from moved)
$$;
alter function move_club_clock owner to portal_definer;
revoke all on function move_club_clock from public;
grant execute on function move_club_clock to portal_anonymous, portal_member, portal_admin;
