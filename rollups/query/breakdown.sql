-- Sessions that start in the range, by the values they have of a dimension, most first; a session counts for each value it
-- holds. `dimension` '' takes all sessions together, as the value ''. `views` and `events` of a page or an event are
-- those of the value itself. Revenue is that of the transactions that stand (see revenue.sql) and belong to the sessions.
WITH
    standing AS (
        SELECT session, amount, refund
        FROM (
            SELECT session, type, currency, amount, refund, transaction, at, seq, event
            FROM {rollup:transaction.final}
            WHERE site = {site:String} AND copies > 0 AND ({type:String} = '' OR type IN ({type:String}, 'refund'))
            ORDER BY transaction, refund, at, seq, event, session
            LIMIT 1 BY transaction, refund
        )
        WHERE currency IN ('', {currency:String})
    ),
    earned AS (
        SELECT session, sum(amount) AS amount, countIf(NOT refund) AS orders
        FROM standing
        WHERE {currency:String} != ''
        GROUP BY session
    ),
    held AS (
        SELECT
            value,
            visitor,
            sum(sign) AS started,
            sum(sign * (pageviews <= 1)) AS bounced,
            sum(sign * (toUnixTimestamp64Milli(end) - toUnixTimestamp64Milli(start))) AS lasted,
            sum(sign * if({dimension:String} = 'page', countEqual(pv_page, value), pageviews)) AS viewed,
            sum(sign * if({dimension:String} = 'event', countEqual(ev_type, value), events)) AS happened,
            sum(sign * earned.amount) AS amounts,
            sum(sign * earned.orders) AS ordered
        FROM (
            SELECT value, visitor, session, sign, start, end, pageviews, events, pv_page, ev_type
            FROM sessions
            ARRAY JOIN {values_of_dimension} AS value
            WHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
                {selected}
        ) AS each
        LEFT JOIN earned ON each.session = earned.session
        GROUP BY value, visitor
        HAVING started > 0
    )
SELECT
    value,
    sum(started) AS sessions,
    count() AS visitors,
    sum(viewed) AS pageviews,
    sum(bounced) AS bounces,
    sum(lasted) AS duration_ms,
    sum(happened) AS events,
    sum(amounts) AS revenue,
    sum(ordered) AS transactions,
    count() OVER () AS total_rows
FROM held
GROUP BY value
ORDER BY sessions DESC, value
LIMIT {limit:UInt32} OFFSET {skip:UInt64}
