-- The key an address is looked up and unique by. A trigger, not a generated column: beside a BEFORE trigger PostgreSQL
-- takes a generated key for changed, and every update of a person would lock out whoever refers to that person.
create function key_email()
returns trigger language plpgsql as $$
begin
  new.email_key := lower(new.email);
  return new;
end
$$;

create trigger key_email before insert or update of email, email_key on users
  for each row execute function key_email();
