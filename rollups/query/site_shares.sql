-- Of each site: events of the log, and sessions, by rollups; without those that its retention took, by about their time.
SELECT
    site,
    sumIf(received, time >= gone.events) AS events,
    sumIf(started, time >= gone.sessions) AS sessions
FROM
(
    SELECT site, time, events AS received, 0 AS started FROM ledger
    UNION ALL
    SELECT site, time, 0 AS received, sessions AS started FROM series
) AS filed
LEFT JOIN
(
    SELECT site, max(events) AS events, max(sessions) AS sessions
    FROM retained
    GROUP BY site
) AS gone USING (site)
GROUP BY site
ORDER BY site
