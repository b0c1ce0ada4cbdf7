-- Custom types: their events in the range, and the sessions starting in the range that hold one.
SELECT type, sum(events) AS count, sum(holders) AS sessions
FROM (
    SELECT type, events, 0 AS holders
    FROM {rollup:event_type}
    UNION ALL
    SELECT type, 0 AS events, sessions AS holders
    FROM {rollup:event_reach}
)
GROUP BY type
HAVING count > 0 OR sessions > 0
ORDER BY count DESC, type
