-- Sessions by site and day; `starts` holds for each of `sites` the starts of its days (ms, full quarters of an hour),
-- the last one the end of the last day. `day` counts from 1.
SELECT
    site,
    arrayCount(start -> start <= toUnixTimestamp64Milli(time), {starts:Array(Array(Int64))}[indexOf({sites:Array(String)}, site)]) AS day,
    sum(sessions) AS sessions
FROM series
WHERE
    site IN {sites:Array(String)}
    AND time >= {from:DateTime64(3,'UTC')}
    AND time < {to:DateTime64(3,'UTC')}
GROUP BY site, day
