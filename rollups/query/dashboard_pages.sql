-- The ten pages with most pageviews in the range; `total` are the pageviews of all pages.
SELECT value AS page, sum(times) AS count, sum(count) OVER () AS total
FROM {rollup:element}
WHERE kind = 'page'
GROUP BY value
HAVING count > 0
ORDER BY page = '(other)', count DESC, page
LIMIT 10
