-- One page of a site's visitors, most recently seen first.
SELECT
    visitor,
    toUnixTimestamp64Milli(min(first_seen)) AS first_at,
    toUnixTimestamp64Milli(max(last_seen)) AS last_at,
    sum(sessions) AS sessions,
    sum(events) AS events,
    count() OVER () AS total
FROM {rollup:visitor}
GROUP BY visitor
HAVING sessions > 0
ORDER BY last_at DESC, visitor
LIMIT 50 OFFSET {skip:UInt64}
