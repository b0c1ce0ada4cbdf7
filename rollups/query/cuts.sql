-- Up to when (ms) raw events, and session rows, of sites are gone, or about to go.
SELECT site, toUnixTimestamp64Milli(max(events)) AS events, toUnixTimestamp64Milli(max(sessions)) AS sessions
FROM retained
GROUP BY site
