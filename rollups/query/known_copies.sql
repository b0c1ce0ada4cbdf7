-- Raw events of the ids that an import is about to send, between two times (both inclusive).
SELECT id, visitor, toUnixTimestamp64Milli(time) AS at, max(reason != 'duplicate') AS counted
FROM events
WHERE site = {site:String}
    AND toStartOfHour(time) >= toStartOfHour({from:DateTime64(3, 'UTC')})
    AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
    AND id IN {ids:Array(String)}
GROUP BY id, visitor, at
