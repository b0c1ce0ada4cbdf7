-- Standing transactions in the site's currency by session, for some of one visitor's `sessions`; see revenue.sql for what stands.
WITH standing AS (
    SELECT argMin((session, amount, currency), (at, seq, event, session)) AS first
    FROM {rollup:transaction}
    WHERE
        transaction IN (
            SELECT arrayJoin(tx_transaction)
            FROM sessions
            WHERE site = {site:String} AND visitor = {visitor:String}
        )
        AND copies > 0
        AND ({type:String} = '' OR type IN ({type:String}, 'refund'))
    GROUP BY transaction, refund
)
SELECT first.1 AS session, sum(first.2) AS revenue
FROM standing
WHERE first.1 IN {sessions:Array(String)} AND first.3 IN ('', {currency:String})
GROUP BY session
