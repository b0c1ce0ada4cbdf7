-- Passes that are committed and not done, in order.
SELECT
    site,
    pass,
    toUnixTimestamp64Milli(max(retained.events)) AS events_ms,
    toUnixTimestamp64Milli(max(retained.sessions)) AS sessions_ms
FROM retained
GROUP BY site, pass
HAVING countIf(state = 'done') = 0
ORDER BY pass, site
