-- Sessions by country, filed at their start.
-- source: sessions
-- grain: day
-- reach: start
-- key: country
-- sum: sessions
SELECT site, start AS time, country, sign AS sessions
FROM {source}
