-- Transactions of the range: per currency, and of the site's currency also by bucket, by source, by campaign.
-- What stands per (transaction, sign of the amount) is the earliest event of the kind the setting asks for, over all time;
-- range and currency come after that. `type` '' asks for every event with revenue; `starts` are the buckets' starts, ms.
WITH standing AS (
    SELECT
        refund,
        argMin((at, amount, currency, source, campaign), (at, seq, event, session)) AS first
    FROM {rollup:transaction}
    WHERE copies > 0 AND ({type:String} = '' OR type IN ({type:String}, 'refund'))
    GROUP BY transaction, refund
)
SELECT
    if(first.3 = '', {currency:String}, first.3) AS currency,
    roundDown(toUnixTimestamp64Milli(first.1), {starts:Array(Int64)}) AS bucket,
    first.4 AS source,
    first.5 AS campaign,
    grouping(bucket) = 0 AS by_bucket,
    grouping(source) = 0 AS by_source,
    grouping(campaign) = 0 AS by_campaign,
    sum(first.2) AS revenue,
    countIf(NOT refund) AS transactions
FROM standing
WHERE first.1 >= {from:DateTime64(3,'UTC')} AND first.1 < {to:DateTime64(3,'UTC')}
GROUP BY GROUPING SETS ((currency), (currency, bucket), (currency, source), (currency, source, campaign))
HAVING currency = {currency:String} OR NOT (by_bucket OR by_source)
ORDER BY revenue DESC, currency, source, campaign
