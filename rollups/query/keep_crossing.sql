-- Writes down, of a pass, the visitors of a site whose session reaches over the cut `events`.
INSERT INTO kept (site, pass, rollup, time, row)
SELECT site, {pass:String}, {kind:String}, start, map('visitor', visitor, 'start', toString(toUnixTimestamp64Milli(start)))
FROM
(
    SELECT site, visitor, start
    FROM sessions
    WHERE site = {site:String}
        AND start < fromUnixTimestamp64Milli({events:Int64}, 'UTC') AND end >= fromUnixTimestamp64Milli({events:Int64}, 'UTC')
    GROUP BY site, visitor, start, session, version
    HAVING sum(sign) > 0
)
