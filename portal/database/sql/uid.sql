-- After its transaction the setting reads as an empty string, and that means nobody.
create function auth.uid()
returns uuid language sql stable parallel safe as $$
  select nullif(current_setting('app.user_id', true), '')::uuid
$$;
