-- The latest sessions of one visitor, newest first.
SELECT
    session,
    toUnixTimestamp64Milli(start) AS started,
    toUnixTimestamp64Milli(end) AS ended,
    pageviews,
    events,
    entry_page,
    exit_page,
    source,
    campaign,
    country,
    device,
    browser,
    os,
    bucket
FROM sessions
WHERE site = {site:String} AND visitor = {visitor:String}
GROUP BY ALL
HAVING sum(sign) > 0
ORDER BY started DESC, session
LIMIT 1000
