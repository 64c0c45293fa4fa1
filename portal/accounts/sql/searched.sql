-- Whoever has words that begin like each of the typed ones, as a question to a column of `search_words`. Null, which
-- nobody answers to, if no word was typed. Locks nothing; asked by the lists of people, families and guests.
create function searched(typed text) returns tsquery language sql immutable parallel safe as $$
  select cast(string_agg('''' || word || ''':*', ' & ') as tsquery) from unnest(public.folded_words(typed)) word
$$;
