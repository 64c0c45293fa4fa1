-- A database of something else.
create table cats (id text primary key);
