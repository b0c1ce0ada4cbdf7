-- When the first session of the site started, ms: its quarter of an hour. No row where there is none.
SELECT toUnixTimestamp64Milli(time) AS since
FROM series
WHERE site = {site:String}
GROUP BY time
HAVING sum(sessions) > 0
ORDER BY time
LIMIT 1
SETTINGS optimize_aggregation_in_order = 1
