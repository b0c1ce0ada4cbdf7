-- Which of some session rows stand, by what names a row and its retraction; no row for what nothing is known of.
SELECT site, visitor, session, toUnixTimestamp64Milli(start) AS start_ms, version, sum(sign) AS standing
FROM sessions
WHERE site IN {sites:Array(String)} AND visitor IN {visitors:Array(String)} AND version IN {versions:Array(UInt64)}
GROUP BY ALL
