-- The first `most` counted interactive events of a visitor from `from` to `to`, both included, in order.
SELECT
    id,
    type,
    toUnixTimestamp64Milli(time) AS at,
    seq,
    url,
    page,
    title,
    data,
    amount,
    currency,
    transaction
FROM events
WHERE
    site = {site:String}
    AND time >= {from:DateTime64(3,'UTC')}
    AND time <= {to:DateTime64(3,'UTC')}
    AND visitor = {visitor:String}
    AND reason = ''
    AND type != 'engagement'
ORDER BY at, seq, id
LIMIT {most:UInt32}
