-- Sessions with a custom event, by first touch, filed at their start: a session counts once for each type it holds.
-- source: sessions
-- grain: day
-- reach: start
-- key: type, source, campaign
-- sum: sessions
SELECT site, start AS time, type, source, campaign, sign AS sessions
FROM {source}
ARRAY JOIN arrayDistinct(ev_type) AS type
