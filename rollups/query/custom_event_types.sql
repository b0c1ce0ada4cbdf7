-- The thousand largest custom types: their events in the range, and the sessions starting in the range that hold one.
-- `(other)`, which is none, last; the sums are those of all types, so that they tell what is left out.
SELECT
    type,
    sum(times) AS count,
    sum(holders) AS sessions,
    count() OVER () AS types,
    sum(count) OVER () AS all_events,
    sum(sessions) OVER () AS all_sessions
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
ORDER BY type = '(other)', count DESC, type
LIMIT 1000
