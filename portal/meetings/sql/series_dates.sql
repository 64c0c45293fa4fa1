-- The days of a series between two days, both included.
create function series_dates(s meeting_series, first date, last date)
returns setof date language sql stable as $$
  select d::date
    from generate_series(greatest(s.starts_on, first)::timestamp, least(s.ends_on, last)::timestamp, interval '1 day') d
   cross join lateral (select (date_trunc('month', d) + interval '1 month - 1 day')::date as month_end) m
   where d::date <> all (s.skipped)
     and case s.repeats
           when 'daily' then true
           when 'weekly' then extract(isodow from d)::smallint = any (s.weekdays)
           when 'monthly-by-day' then extract(day from d) = least(s.month_day, extract(day from m.month_end))
           else extract(isodow from d)::smallint = any (s.weekdays)
                and case s.month_week when -1 then d::date + 7 > m.month_end
                                      else ceil(extract(day from d) / 7) = s.month_week end end
$$;
