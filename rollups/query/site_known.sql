-- Which events of a site, of some ids and between two times (both inclusive), lie in the raw events already.
SELECT DISTINCT visitor, id, toUnixTimestamp64Milli(time) AS time_ms
FROM events
WHERE site = {site:String}
    AND toStartOfHour(time) >= toStartOfHour({from:DateTime64(3, 'UTC')})
    AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
    AND id IN {ids:Array(String)}
