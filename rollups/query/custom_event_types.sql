-- Custom types: their events in the range, and the sessions starting in the range that hold one. Past 1,000 types the
-- rest is `(other)`, always last: its `sessions` are the sum, so a session counts there once for each type it holds.
WITH
    types AS (
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
    ),
    lists AS (
        SELECT
            groupArray((type = '(other)', -count, type, sessions)) AS every,
            arrayPartialSort(1000, every) AS list
        FROM types
    )
SELECT
    if(length(every) > 1000 AND place >= 1000, '(other)', each.3) AS type,
    -sum(each.2) AS count,
    sum(each.4) AS sessions
FROM lists
ARRAY JOIN list AS each, arrayEnumerate(list) AS place
GROUP BY type
ORDER BY min(place)
