-- Days (ms of their begin) with events of a site: how many of that day count, how many received on it do not.
SELECT day, sum(counted) AS counted, sum(uncounted) AS uncounted
FROM
(
    SELECT intDiv(toUnixTimestamp64Milli(time), 86400000) * 86400000 AS day, count() AS counted, 0 AS uncounted
    FROM events
    WHERE site = {site:String} AND reason = '' AND visitor != ''
    GROUP BY day
    UNION ALL
    SELECT intDiv(toUnixTimestamp64Milli(received), 86400000) * 86400000 AS day, 0 AS counted, count() AS uncounted
    FROM events
    WHERE site = {site:String} AND reason != ''
    GROUP BY day
)
GROUP BY day
ORDER BY day
