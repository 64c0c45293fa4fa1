-- This moment as the club has it: the real one, unless a demo or a rehearsal has moved the club's clock on. Only the
-- owner can. What a member's transaction decides by time asks here, never the caller. It stands still in a transaction.
create function club_now()
returns timestamptz language sql stable as $$
  select now() + (select ahead from public.club_clock)
$$;
