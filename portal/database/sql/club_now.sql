-- This moment as the club has it: the real one, unless a demo or a rehearsal has moved the club's clock. Only the owner
-- can. What a browser's transaction decides by time asks here and never the caller. It stands still in a transaction.
create function club_now()
returns timestamptz language sql stable as $$
  select coalesce(stands_at, now() + ahead) from public.club_clock
$$;
