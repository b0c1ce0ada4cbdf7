-- Transactions of the range: per currency, and of the site's currency also by bucket, by source, by campaign.
-- What stands per (transaction, sign of the amount) is the earliest event of the kind the setting asks for, over all time;
-- range and currency come after that. `type` '' asks for every event with revenue; `starts` are the buckets' starts, ms.
-- Each list in the order of the answer: sources and campaigns past 1,000 are `(other)`, always last; foreign currencies
-- have no sum, so those past 1,000 are left out.
WITH
    standing AS (
        SELECT refund, min((at, seq, event, session, amount, currency, source, campaign)) AS first
        FROM {rollup:transaction}
        WHERE copies > 0 AND ({type:String} = '' OR type IN ({type:String}, 'refund'))
        GROUP BY transaction, refund
    ),
    cells AS (
        SELECT
            if(first.6 = '', {currency:String}, first.6) AS currency,
            roundDown(toUnixTimestamp64Milli(first.1), {starts:Array(Int64)}) AS bucket,
            first.7 AS source,
            first.8 AS campaign,
            currency = {currency:String} AS own,
            grouping(bucket) = 0 AS by_bucket,
            grouping(source) = 0 AS by_source,
            grouping(campaign) = 0 AS by_campaign,
            sum(first.5) AS revenue,
            countIf(NOT refund) AS transactions
        FROM standing
        WHERE first.1 >= {from:DateTime64(3,'UTC')} AND first.1 < {to:DateTime64(3,'UTC')}
        GROUP BY GROUPING SETS ((currency), (currency, bucket), (currency, source), (currency, source, campaign))
        HAVING own OR NOT (by_bucket OR by_source)
    ),
    lists AS (
        SELECT
            own,
            by_bucket,
            by_source,
            by_campaign,
            groupArray((
                source = '(other)' AND campaign IN ('', '(other)'), -revenue, currency, source, campaign, bucket, transactions
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
