-- Sessions, bounces and summed duration by bucket of the range; `starts` are the buckets' starts, ms.
SELECT
    roundDown(toUnixTimestamp64Milli(time), {starts:Array(Int64)}) AS bucket,
    sum(sessions) AS sessions,
    sum(bounces) AS bounces,
    sum(duration_ms) AS duration_ms
FROM {rollup:series}
GROUP BY bucket
