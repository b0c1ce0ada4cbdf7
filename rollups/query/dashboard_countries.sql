-- Sessions that start in the range, by country.
SELECT country, sum(sessions) AS count
FROM {rollup:country}
GROUP BY country
HAVING count > 0
ORDER BY count DESC, country
