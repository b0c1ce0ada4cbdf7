-- Transactions of the range as in revenue.sql, in no order, if there are at most `most` rows; with more of them that file
-- tells which are `(other)`. One thread: merging what two have found costs more than they save.
WITH standing AS (
    SELECT
        if(currency = '', {currency:String}, currency) AS unit,
        toUnixTimestamp64Milli(at) AS time,
        refund,
        amount,
        source,
        campaign
    FROM {rollup:transaction.final}
    WHERE site = {site:String} AND copies > 0 AND ({type:String} = '' OR type IN ({type:String}, 'refund'))
    ORDER BY transaction, refund, at, seq, event, session
    LIMIT 1 BY transaction, refund
)
SELECT
    unit AS currency,
    roundDown(time, {starts:Array(Int64)}) AS bucket,
    source,
    campaign,
    grouping(bucket) = 0 AS by_bucket,
    grouping(source) = 0 AS by_source,
    grouping(campaign) = 0 AS by_campaign,
    sum(amount) AS revenue,
    countIf(NOT refund) AS transactions
FROM standing
WHERE time >= {from:Int64} AND time < {to:Int64}
GROUP BY GROUPING SETS ((unit), (unit, bucket), (unit, source), (unit, source, campaign))
HAVING unit = {currency:String} OR NOT (by_bucket OR by_source)
LIMIT {most:UInt32}
SETTINGS max_threads = 1
