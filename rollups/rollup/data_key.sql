-- Keys of the data of counted events, by type, filed at the event's own time.
-- source: events
-- grain: day
-- key: type, key
-- sum: events
SELECT
    site,
    time,
    type,
    key,
    copies AS events
FROM {source}
ARRAY JOIN keys AS key
WHERE reason = ''
