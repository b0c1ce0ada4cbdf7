-- Transactions of the range: per currency, and of the site's currency also by bucket, by source, by campaign.
-- What stands per (transaction, sign of the amount) is the earliest event of the kind the setting asks for, over all time;
-- range and currency come after that. `type` '' asks for every event with revenue; `starts` are the buckets' starts, ms.
-- Each list in the order of the answer: sources and campaigns past 1,000 are `(other)`, always last; foreign currencies
-- have no sum, so those past 1,000 are left out. FINAL and LIMIT BY cost half of what grouping a million transactions does.
WITH
    standing AS (
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
    ),
    cells AS (
        SELECT
            unit,
            roundDown(time, {starts:Array(Int64)}) AS bucket,
            source,
            campaign,
            unit = {currency:String} AS own,
            grouping(bucket) = 0 AS by_bucket,
            grouping(source) = 0 AS by_source,
            grouping(campaign) = 0 AS by_campaign,
            sum(amount) AS revenue,
            countIf(NOT refund) AS transactions
        FROM standing
        WHERE time >= {from:Int64} AND time < {to:Int64}
        GROUP BY GROUPING SETS ((unit), (unit, bucket), (unit, source), (unit, source, campaign))
        HAVING own OR NOT (by_bucket OR by_source)
    ),
    lists AS (
        SELECT
            own,
            by_bucket,
            by_source,
            by_campaign,
            groupArray((
                source = '(other)' AND campaign IN ('', '(other)'), -revenue, unit, source, campaign, bucket, transactions
            )) AS every,
            arrayPartialSort(1000, every) AS list,
            if(by_source AND length(every) > 1000, 999, length(every)) AS named
        FROM cells
        GROUP BY own, by_bucket, by_source, by_campaign
    )
SELECT
    by_bucket,
    by_source,
    by_campaign,
    each.3 AS currency,
    each.6 AS bucket,
    if(by_source AND place > named, '(other)', each.4) AS source,
    if(by_campaign AND place > named, '(other)', each.5) AS campaign,
    -sum(each.2) AS revenue,
    sum(each.7) AS transactions
FROM lists
ARRAY JOIN list AS each, arrayEnumerate(list) AS place
WHERE own OR place <= 1000
GROUP BY ALL
ORDER BY by_bucket, by_source, by_campaign, min(place)
