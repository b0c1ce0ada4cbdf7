-- Sessions by site and day. `starts` holds calendars: the starts of the days (ms, full quarters of an hour), the last one
-- the end of the last day; `calendars` says for each of `sites` which one is its own, from 1. `day` counts from 1.
SELECT
    site,
    arrayCount(
        start -> start <= toUnixTimestamp64Milli(time),
        {starts:Array(Array(Int64))}[transform(site, {sites:Array(String)}, {calendars:Array(UInt32)}, 0)]
    ) AS day,
    sum(sessions) AS sessions
FROM series
WHERE
    site IN {sites:Array(String)}
    AND time >= {from:DateTime64(3,'UTC')}
    AND time < {to:DateTime64(3,'UTC')}
GROUP BY site, day
