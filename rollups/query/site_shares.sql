-- Of each site: events of the log, and sessions; over all time, from rollups.
SELECT site, sum(received) AS events, sum(started) AS sessions
FROM
(
    SELECT site, events AS received, 0 AS started FROM ledger
    UNION ALL
    SELECT site, 0 AS received, sessions AS started FROM series
)
GROUP BY site
ORDER BY site
