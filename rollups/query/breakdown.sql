-- Sessions that start in the range, by the values they have of a dimension, most first; a session counts for each value it
-- holds. The value '', always there and last, is all of them together. `views` and `events` of a page or an event are
-- those of the value itself. Revenue is that of the transactions that stand (see revenue.sql) and belong to the sessions.
-- Visitors are those with a row that was added, less those of whom nothing is left: only the few with a row that takes
-- something away are counted one by one, and only sessions with a transaction are looked up among those that stand.
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
            sum(kept) AS started,
            toInt64(uniqExactIf(number, kept > 0)) AS visitors,
            sum(if({dimension:String} = 'page' AND value != '', sign, kept * pageviews)) AS viewed,
            sum(kept * (pageviews <= 1)) AS bounced,
            sum(kept * lasted) AS lasted_ms,
            sum(if({dimension:String} = 'event' AND value != '', sign, kept * events)) AS happened,
            toDecimal128(0, 4) AS amounts,
            0 AS ordered
        FROM (
            SELECT
                value,
                number,
                sign,
                if(nth = 1, sign, 0) AS kept,
                pageviews,
                events,
                toUnixTimestamp64Milli(end) - toUnixTimestamp64Milli(start) AS lasted
            FROM sessions
            ARRAY JOIN {values_of_dimension} AS value, arrayEnumerateUniq({values_of_dimension}) AS nth
            PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
            WHERE 1 {selected}
        )
        GROUP BY value
        UNION ALL
        SELECT value, 0, -count(), 0, 0, 0, 0, 0, 0
        FROM (
            SELECT value, number
            FROM sessions
            ARRAY JOIN {values_of_dimension} AS value
            PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
                AND number IN (
                    SELECT number
                    FROM sessions
                    PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
                        AND sign < 0
                    WHERE 1 {selected}
                )
            WHERE 1 {selected}
            GROUP BY value, number
            HAVING sum(sign) <= 0 AND max(sign) > 0
        )
        GROUP BY value
        UNION ALL
        SELECT value, 0, 0, 0, 0, 0, 0, sum(sign * amount), sum(sign * orders)
        FROM (
            SELECT arrayJoin(arrayDistinct({values_of_dimension})) AS value, session, sign
            FROM sessions
            PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
                AND notEmpty(tx_transaction)
            WHERE 1 {selected}
        ) AS each
        INNER JOIN earned ON each.session = earned.session
        GROUP BY value
    )
SELECT
    value,
    sum(started) AS sessions,
    sum(held.visitors) AS visitors,
    sum(viewed) AS pageviews,
    sum(bounced) AS bounces,
    sum(lasted_ms) AS duration_ms,
    sum(happened) AS events,
    sum(amounts) AS revenue,
    sum(ordered) AS transactions,
    row_number() OVER (ORDER BY value = '', sessions DESC, value) AS place,
    count() OVER () - 1 AS total_rows
FROM held
GROUP BY value
HAVING sessions > 0 OR value = ''
QUALIFY value = '' OR (place > {skip:UInt64} AND place <= {skip:UInt64} + {limit:UInt32})
ORDER BY place
