-- The ten pages with most pageviews in the range; `total` are the pageviews of all pages.
SELECT page, sum(views) AS count, sum(count) OVER () AS total
FROM {rollup:scroll}
GROUP BY page
HAVING count > 0
ORDER BY page = '(other)', count DESC, page
LIMIT 10
