-- Where rollups may be off, ms.
SELECT site, toUnixTimestamp64Milli(min(first)) AS first, toUnixTimestamp64Milli(max(last)) AS last
FROM doubt
GROUP BY site
ORDER BY site
