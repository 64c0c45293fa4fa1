-- Writes a mail once more, word for word, as a mail of its own; its id. It goes to the address its person has now: an older
-- one may be somebody else's by now. Null for one that waits already, whose words are forgotten, or that holds a link or code that opens something: that its owner asks for anew.
-- Called by portal/mail/outbox.py, which has it delivered.
create function send_mail_again(mail uuid)
returns uuid language sql security definer set search_path = '' as $$
  insert into public.mails (
    kind, user_id, meeting_id, recipient, subject, text, html, method, calendar, created_at, again_of)
  select m.kind, m.user_id, m.meeting_id, coalesce(u.email, m.recipient), m.subject, m.text, m.html, m.method, m.calendar, public.club_now(), m.id
    from public.mails m left join public.users u on u.id = m.user_id
   where m.id = mail and m.state <> 'queued' and not m.secret and m.text is not null and u.closed_at is null
  returning id
$$;
alter function send_mail_again owner to portal_definer;
revoke all on function send_mail_again from public;
grant execute on function send_mail_again to portal_admin;
