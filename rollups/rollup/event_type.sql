-- Counted custom events by type, filed at their own time.
-- source: events
-- grain: day
-- key: type
-- sum: events
SELECT site, time, type, 1 AS events
FROM {source}
WHERE reason = '' AND type NOT IN ('pageview', 'engagement')
