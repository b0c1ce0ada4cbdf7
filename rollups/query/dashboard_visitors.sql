-- Visitors with a session that starts in the range. Not a rollup: a visitor of two days is one visitor. One thread, for
-- merging what two have found costs as much as finding it.
SELECT count() AS visitors
FROM (
    SELECT number
    FROM sessions
    PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
    WHERE 1 {selected}
    GROUP BY number
    HAVING sum(sign) > 0
)
SETTINGS max_threads = 1
