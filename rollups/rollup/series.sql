-- Sessions with their bounces and durations, filed at their start: totals and series in any time zone.
-- source: sessions
-- grain: quarter
-- reach: start
-- sum: sessions, bounces, duration_ms
SELECT
    site,
    start AS time,
    sign AS sessions,
    sign * (pageviews <= 1) AS bounces,
    sign * (toUnixTimestamp64Milli(end) - toUnixTimestamp64Milli(start)) AS duration_ms
FROM {source}
