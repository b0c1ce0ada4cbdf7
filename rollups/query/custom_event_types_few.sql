-- Custom types: their events in the range, and the sessions starting in the range that hold one; if these are at most 1,000,
-- else see custom_event_types.sql.
SELECT type, sum(times) AS count, sum(holders) AS sessions
FROM (
    SELECT value AS type, times, 0 AS holders
    FROM {rollup:element.event}
    WHERE kind = 'event'
    UNION ALL
    SELECT value AS type, 0 AS times, sessions AS holders
    FROM {rollup:trait.event}
    WHERE kind = 'event'
)
GROUP BY type
HAVING count > 0 OR sessions > 0
LIMIT 1001
