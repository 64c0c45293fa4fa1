create function key_email()
returns trigger language plpgsql as $$
begin
  new.email_key := lower(new.email);
  return new;
end
$$;

create trigger key_email before insert or update of email, email_key on users
  for each row execute function key_email();
