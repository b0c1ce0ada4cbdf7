-- All of a dashboard but its visitors, in no order. Kind time: sessions, bounces (`bounced`) and summed
-- duration (`lasted`, ms) by bucket of the range; `starts` are the buckets' starts, ms. Kinds bucket (by source), country,
-- device, event: sessions that start in the range, of each kind the thousand largest, `(other)`, which is none of
-- them, last. Kind page: the ten pages with most pageviews in the range; `every` are the pageviews of all pages.
SELECT
    'time' AS kind,
    toString(roundDown(toUnixTimestamp64Milli(time), {starts:Array(Int64)})) AS name,
    sum(sessions) AS count,
    sum(bounces) AS bounced,
    sum(duration_ms) AS lasted,
    0 AS every
FROM {rollup:series}
GROUP BY name
UNION ALL
SELECT kind, if(kind = 'bucket', source, value) AS name, sum(sessions) AS count, 0, 0, 0
FROM {rollup:trait.named}
WHERE kind IN ('bucket', 'country', 'device', 'event')
GROUP BY kind, name
HAVING count > 0
ORDER BY kind, name = '(other)', count DESC, name
LIMIT 1000 BY kind
UNION ALL
SELECT 'page', value AS name, sum(times) AS count, 0, 0, sum(count) OVER ()
FROM {rollup:element.page}
WHERE kind = 'page'
GROUP BY name
HAVING count > 0
ORDER BY name = '(other)', count DESC, name
LIMIT 10
