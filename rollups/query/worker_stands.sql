-- What a worker must know once it has decided: whose decision stands at the place, and the phase of a migration whose heart
-- beats. Plain rows: a half of the work of subqueries.
SELECT DISTINCT 'nonce' AS what, nonce AS said
FROM decision
WHERE log = {log:String} AND partition = {partition:UInt32} AND a = {a:UInt64}
UNION ALL
(
    SELECT 'phase' AS what, phase AS said
    FROM control
    WHERE at > now64(3) - toIntervalSecond({lease:UInt32}) AND at <= now64(3) + toIntervalSecond({lease:UInt32})
    ORDER BY epoch DESC, at DESC
    LIMIT 1
)
