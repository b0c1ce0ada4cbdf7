-- Sessions by what they are (kind bucket, country, device) and what they hold (page, event), filed at their start: a
-- session counts once for each of its traits. With the first touch where answers ask for it, and of a page with the
-- deepest view; page '' is the deepest view of any page.
-- source: sessions
-- grain: day
-- reach: start
-- key: kind, value, time, source, campaign
-- sum: sessions, reached_25, reached_50, reached_75, reached_100
WITH
    arrayReduce(
        'maxMap', [arrayConcat(pv_page, arrayWithConstant(length(pv_page), ''))], [arrayConcat(pv_depth, pv_depth)]
    ) AS pages,
    arrayDistinct(ev_type) AS types
SELECT
    site,
    start AS time,
    kind,
    value,
    if(kind IN ('country', 'device'), '', source) AS source,
    if(kind IN ('country', 'device'), '', campaign) AS campaign,
    sign AS sessions,
    sign * (depth >= 2500) AS reached_25,
    sign * (depth >= 5000) AS reached_50,
    sign * (depth >= 7500) AS reached_75,
    sign * (depth >= 10000) AS reached_100
FROM {source}
ARRAY JOIN
    arrayConcat(
        ['bucket', 'country', 'device'],
        arrayWithConstant(length(pages.1), 'page'),
        arrayWithConstant(length(types), 'event')
    ) AS kind,
    arrayConcat([bucket, country, device], pages.1, types) AS value,
    arrayConcat([-1, -1, -1], pages.2, arrayWithConstant(length(types), -1)) AS depth
