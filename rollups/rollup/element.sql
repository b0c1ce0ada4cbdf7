-- What sessions hold (kind page, event), filed at its own time: pageviews by page and depth reached, custom events by
-- type. Depth in hundredths of a per cent, -1: none reported.
-- source: sessions
-- grain: day
-- reach: element
-- key: kind, time, value
-- sum: times, reported, depth, reached_25, reached_50, reached_75, reached_100
SELECT
    site,
    at AS time,
    kind,
    value,
    sign AS times,
    sign * (deepest >= 0) AS reported,
    sign * toInt64(greatest(deepest, 0)) AS depth,
    sign * (deepest >= 2500) AS reached_25,
    sign * (deepest >= 5000) AS reached_50,
    sign * (deepest >= 7500) AS reached_75,
    sign * (deepest >= 10000) AS reached_100
FROM {source}
ARRAY JOIN
    arrayConcat(arrayWithConstant(length(pv_page), 'page'), arrayWithConstant(length(ev_type), 'event')) AS kind,
    arrayConcat(pv_page, ev_type) AS value,
    arrayConcat(pv_time, ev_time) AS at,
    arrayResize(pv_depth, length(pv_page) + length(ev_type), -1) AS deepest
-- edge page: kind, value, times, reported, depth, reached_25, reached_50, reached_75, reached_100
SELECT
    'page' AS kind,
    value,
    sign AS times,
    sign * (deepest >= 0) AS reported,
    sign * toInt64(greatest(deepest, 0)) AS depth,
    sign * (deepest >= 2500) AS reached_25,
    sign * (deepest >= 5000) AS reached_50,
    sign * (deepest >= 7500) AS reached_75,
    sign * (deepest >= 10000) AS reached_100
FROM {source}
ARRAY JOIN pv_page AS value, pv_time AS at, pv_depth AS deepest
-- edge event: kind, value, times
SELECT 'event' AS kind, value, sign AS times
FROM {source}
ARRAY JOIN ev_type AS value, ev_time AS at
