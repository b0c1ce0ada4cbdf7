-- Custom events by type, filed at their own time: every one that counts lies in a session.
-- source: sessions
-- grain: day
-- reach: element
-- key: type
-- sum: events
SELECT site, at AS time, type, sign AS events
FROM {source}
ARRAY JOIN ev_type AS type, ev_time AS at
