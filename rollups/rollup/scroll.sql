-- Pageviews by page and depth reached, filed at the pageview's own time; depth in hundredths of a per cent, -1: none reported.
-- source: sessions
-- grain: day
-- reach: element
-- key: page
-- sum: views, reported, depth, reached_25, reached_50, reached_75, reached_100
SELECT
    site,
    viewed AS time,
    page,
    sign AS views,
    sign * (deepest >= 0) AS reported,
    sign * toInt64(greatest(deepest, 0)) AS depth,
    sign * (deepest >= 2500) AS reached_25,
    sign * (deepest >= 5000) AS reached_50,
    sign * (deepest >= 7500) AS reached_75,
    sign * (deepest >= 10000) AS reached_100
FROM {source}
ARRAY JOIN pv_page AS page, pv_time AS viewed, pv_depth AS deepest
