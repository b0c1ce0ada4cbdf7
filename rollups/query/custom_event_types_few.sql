-- Custom types: their events in the range (`measure` count), and the sessions starting in the range that hold one (sessions);
-- if there are at most 1,000 of either, else see custom_event_types.sql.
SELECT 'count' AS measure, value AS type, sum(times) AS found
FROM {rollup:element.event}
WHERE kind = 'event'
GROUP BY type
HAVING found > 0
LIMIT 1001
UNION ALL
SELECT 'sessions' AS measure, value AS type, sum(sessions) AS found
FROM {rollup:trait.event}
WHERE kind = 'event'
GROUP BY type
HAVING found > 0
LIMIT 1001
