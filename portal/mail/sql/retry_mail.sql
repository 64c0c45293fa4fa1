-- A mail that failed waits to be sent again, its tries counted from the start. False for one that did not fail, or whose words
-- are forgotten: those of a mail with a link or code are, as soon as it failed. Called by portal/mail/outbox.py.
create function retry_mail(mail uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.mails m set state = 'queued', attempts = 0, failure = null
   where m.id = mail and m.state = 'failed' and not m.secret and m.text is not null;
  return found;
end
$$;
alter function retry_mail owner to portal_definer;
revoke all on function retry_mail from public;
grant execute on function retry_mail to portal_admin;
