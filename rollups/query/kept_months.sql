-- What a site has, month by month (YYYYMM, of the event's time or the session's start): rows of raw events and of sessions,
-- and about how many bytes they take of their tables' files, as if every row took as much.
WITH sizes AS (
    SELECT table, sum(bytes_on_disk) / greatest(sum(rows), 1) AS size
    FROM system.parts
    WHERE database = currentDatabase() AND active AND table IN ('events', 'sessions')
    GROUP BY table
)
SELECT
    month,
    sumIf(rows, held.table = 'events') AS events,
    sumIf(rows, held.table = 'sessions') AS sessions,
    toUInt64(sumIf(rows * size, held.table = 'events')) AS events_bytes,
    toUInt64(sumIf(rows * size, held.table = 'sessions')) AS sessions_bytes
FROM
(
    SELECT 'events' AS table, toYYYYMM(time) AS month, count() AS rows
    FROM events WHERE site = {site:String} GROUP BY month
    UNION ALL
    SELECT 'sessions', toYYYYMM(start) AS month, count()
    FROM sessions WHERE site = {site:String} GROUP BY month
) AS held
LEFT JOIN sizes ON sizes.table = held.table
GROUP BY month
ORDER BY month
