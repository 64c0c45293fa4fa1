-- Take the seat an invitation holds, as whoever asks. See `seat_by_token` for what is refused.
create function accept_invitation(token bytea)
returns table (membership uuid, plan uuid, refusal text) language sql security definer set search_path = '' as $$
  select * from public.seat_by_token(token, auth.uid(), public.club_now())
$$;
alter function accept_invitation owner to portal_definer;
revoke all on function accept_invitation from public;
grant execute on function accept_invitation to portal_member, portal_admin;
