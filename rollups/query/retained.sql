-- Before when raw events and sessions of some sites are gone, or are going, ms.
SELECT site, toUnixTimestamp64Milli(max(events)) AS events_ms, toUnixTimestamp64Milli(max(sessions)) AS sessions_ms
FROM retained
WHERE site IN {sites:Array(String)}
GROUP BY site
