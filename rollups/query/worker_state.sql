-- What a worker must know before it decides: the server's life (none if nobody has named it; of several the first stands),
-- and the phase of a migration whose heart beats. Plain rows: a third of the work of subqueries.
SELECT 'life' AS what, id AS said
FROM life
UNION ALL
(
    SELECT 'phase' AS what, phase AS said
    FROM control
    WHERE at > now64(3) - toIntervalSecond({lease:UInt32}) AND at <= now64(3) + toIntervalSecond({lease:UInt32})
    ORDER BY epoch DESC, at DESC
    LIMIT 1
)
