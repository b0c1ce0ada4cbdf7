-- A range by bucket: sessions, visitors, bounces and summed duration (ms) of the sessions that start in it, and the views
-- in it (`viewed`, in rows of their own). `starts` are the buckets' starts, ms; `slot` is one of them, for `bucket` is a
-- column of sessions. Not a rollup: a visitor of two buckets is one in each of them, so no sum of smaller ones is.
SELECT
    slot,
    sum(started) AS sessions,
    count() AS visitors,
    sum(bounced) AS bounces,
    sum(lasted) AS duration_ms,
    0 AS viewed
FROM (
    SELECT
        roundDown(toUnixTimestamp64Milli(start), {starts:Array(Int64)}) AS slot,
        number,
        sum(sign) AS started,
        sum(sign * (pageviews <= 1)) AS bounced,
        sum(sign * (toUnixTimestamp64Milli(end) - toUnixTimestamp64Milli(start))) AS lasted
    FROM sessions
    PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
    WHERE 1 {selected}
    GROUP BY slot, number
    HAVING started > 0
)
GROUP BY slot
UNION ALL
SELECT roundDown(toUnixTimestamp64Milli(at), {starts:Array(Int64)}) AS slot, 0, 0, 0, 0, sum(sign) AS viewed
FROM sessions
ARRAY JOIN pv_time AS at
WHERE site = {site:String} AND start < {to:DateTime64(3,'UTC')} AND end >= {from:DateTime64(3,'UTC')}
    AND at >= {from:DateTime64(3,'UTC')} AND at < {to:DateTime64(3,'UTC')} {selected}
GROUP BY slot
HAVING viewed > 0
