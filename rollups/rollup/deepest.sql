-- Sessions by their deepest view of each page, filed at their start; page '' is the deepest view of any page.
-- A session without pageviews is in none.
-- source: sessions
-- grain: day
-- reach: start
-- key: page
-- sum: sessions, reached_25, reached_50, reached_75, reached_100
WITH arrayReduce('maxMap', [pv_page], [pv_depth]) AS by_page
SELECT
    site,
    start AS time,
    page,
    sign AS sessions,
    sign * (depth >= 2500) AS reached_25,
    sign * (depth >= 5000) AS reached_50,
    sign * (depth >= 7500) AS reached_75,
    sign * (depth >= 10000) AS reached_100
FROM {source}
ARRAY JOIN
    arrayPushBack(by_page.1, '') AS page,
    arrayPushBack(by_page.2, arrayMax(pv_depth)) AS depth
WHERE notEmpty(pv_page)
