-- Takes an invitation back. Answers with its state before: 'invited', or what became of it first. Null: not the current user's.
create function revoke_invitation(invitation uuid)
returns text language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans; was text;
begin
  f := public.lock_family((select x.plan_id from public.family_memberships x where x.id = invitation), at);
  if not public.runs_family(f, false) then return null; end if;
  select state into was from public.family_memberships where id = invitation;
  update public.family_memberships set state = 'revoked', ended_at = at where id = invitation and state = 'invited';
  return was;
end
$$;
alter function revoke_invitation owner to portal_definer;
revoke all on function revoke_invitation from public;
grant execute on function revoke_invitation to portal_member, portal_admin;
