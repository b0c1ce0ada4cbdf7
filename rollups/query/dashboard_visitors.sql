-- Visitors with a session that starts in the range. Not a rollup: a visitor of two days is one visitor.
SELECT count() AS visitors
FROM (
    SELECT visitor
    FROM sessions
    WHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
    GROUP BY visitor
    HAVING sum(sign) > 0
)
