-- One page of a site's visitors, most recently seen first: all, or the one `named` and those whose id `begins` so. The rollup
-- has one row a visitor.
SELECT
    visitor,
    toUnixTimestamp64Milli(first_seen) AS first_at,
    toUnixTimestamp64Milli(last_seen) AS last_at,
    sessions,
    events,
    count() OVER () AS total
FROM {rollup:visitor}
WHERE
    sessions > 0
    AND (
        {named:String} = ''
        OR visitor = {named:String}
        OR ({begins:String} != '' AND startsWith(visitor, {begins:String}))
    )
ORDER BY last_at DESC, visitor
LIMIT 50 OFFSET {skip:UInt64}
