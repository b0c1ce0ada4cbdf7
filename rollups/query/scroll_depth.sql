-- Depths of the pageviews in the range, most viewed pages first (`(other)`, which is none, last); `page` '' asks for all pages.
SELECT
    value AS page,
    sum(times) AS views,
    sum(reported) AS reported,
    sum(depth) AS depth,
    sum(reached_25) AS reached_25,
    sum(reached_50) AS reached_50,
    sum(reached_75) AS reached_75,
    sum(reached_100) AS reached_100
FROM {rollup:element.page}
WHERE kind = 'page' AND ({page:String} = '' OR value = {page:String})
GROUP BY value
HAVING views > 0
ORDER BY page = '(other)', views DESC, page
LIMIT {limit:UInt32}
SETTINGS max_threads = 1
