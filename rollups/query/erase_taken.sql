-- What an erasure takes out of the raw events of a visitor, and no earlier one took (`until`, `offset` of `log`): how many of
-- which kind, as the ledger and the data keys count them, and nothing that says whose they were.
-- Nor what goes by what the site keeps, of which enough is kept (`floor`, ms). Data keys are asked for in ranges exact to the millisecond.
WITH
    if(reason = '', keys, []) AS own,
    intDiv(toUnixTimestamp64Milli(received), 900000) * 900000 AS quarter
SELECT
    log,
    partition,
    quarter AS received_ms,
    reason,
    if(empty(own), quarter, toUnixTimestamp64Milli(time)) AS time_ms,
    if(empty(own), '', toString(type)) AS type,
    own AS keys,
    toInt32(count()) AS copies
FROM events
WHERE site = {site:String} AND visitor = {visitor:String} AND toUnixTimestamp64Milli(time) >= {floor:Int64}
    AND NOT (
        toUnixTimestamp64Milli(least(time, received)) <= {until:Int64}
        OR (log = {log:String} AND partition = {partition:UInt32} AND offset < {offset:UInt64})
    )
GROUP BY ALL
ORDER BY ALL
