-- Sessions that start in the range by the bucket that other thresholds and pairs would give them: the rules of
-- workers/bucket.py over session rows. Limits are whole: ms, µs a page, hundredths of a per cent. `changed`: those that
-- have another one now.
SELECT
    multiIf(
        notEmpty(tx_transaction), 'engaged',
        arrayExists(pair -> has(types, pair[1]) AND NOT hasAny(types, arraySlice(pair, 2)), {pairs:Array(Array(String))}),
        'hesitator',
        notEmpty(ev_type)
            OR (pageviews >= {engaged_pageviews:Int64} AND lasted >= {engaged_ms:Int64})
            OR (lasted >= {deep_ms:Int64} AND deepest >= {deep:Int64}),
        'engaged',
        pageviews <= 1 AND lasted < {bouncer_ms:Int64}, 'bouncer',
        lasted * 1000 < {skimmer_us:Int64} * pageviews, 'skimmer',
        'hesitator'
    ) AS made,
    sum(sign) AS sessions,
    sum(sign * (made != bucket)) AS changed
FROM (
    SELECT
        sign, bucket, tx_transaction, ev_type, pageviews,
        if(pageviews > 0, arrayPushBack(ev_type, 'pageview'), ev_type) AS types,
        ifNull(engaged_ms, toUnixTimestamp64Milli(end) - toUnixTimestamp64Milli(start)) AS lasted,
        arrayMax(arrayPushBack(pv_depth, 0)) AS deepest
    FROM sessions
    PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
    WHERE 1 {selected}
)
GROUP BY made
HAVING sessions > 0
