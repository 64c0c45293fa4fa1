-- Whether the current user may know how many a group is. A host does not of those invited to a private meeting who have not answered:
-- a number that grew by every address with an account would tell who has one, as the list of guests does not.
create function counts_audience(meeting uuid, audience text)
returns boolean language sql stable security definer set search_path = '' as $$
  select current_setting('role') = 'portal_admin' or audience <> 'unanswered'
      or not (select m.is_private from public.meetings m where m.id = meeting)
$$;
alter function counts_audience owner to portal_definer;
revoke all on function counts_audience from public;
