-- Country, device and source of the first session of each of `visitors`, first seen at `starts` (ms).
SELECT visitor, country, device, source
FROM sessions
WHERE
    site = {site:String}
    AND visitor IN {visitors:Array(String)}
    AND start IN (SELECT fromUnixTimestamp64Milli(arrayJoin({starts:Array(Int64)}), 'UTC'))
GROUP BY visitor, start, session, country, device, source
HAVING sum(sign) > 0
ORDER BY visitor, start, session
LIMIT 1 BY visitor
