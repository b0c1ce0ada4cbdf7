-- Events of the ids that an import is about to send, between two times (both inclusive), but those that were copies themselves.
SELECT id, visitor, toUnixTimestamp64Milli(time) AS at
FROM events
WHERE site = {site:String}
    AND toStartOfHour(time) >= toStartOfHour({from:DateTime64(3, 'UTC')})
    AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
    AND id IN {ids:Array(String)}
    AND reason != 'duplicate'
GROUP BY id, visitor, at
