-- Every site, with the times at which any row of it may be filed, ms; of the rollups those in `rollups_there`.
SELECT site, toUnixTimestamp64Milli(min(first)) AS first, toUnixTimestamp64Milli(max(last)) AS last
FROM
(
    SELECT site, min(least(time, received)) AS first, max(greatest(time, received)) AS last FROM events GROUP BY site
    UNION ALL
    SELECT site, min(start) AS first, max(end) AS last FROM sessions GROUP BY site
)
GROUP BY site
ORDER BY site
