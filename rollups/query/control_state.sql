-- The newest claim to change the schema: whose, in which phase, and whether its heart still beats. What was said under a
-- clock that was ahead of the present one says nothing of now.
SELECT
    epoch,
    argMax(nonce, at) AS nonce,
    argMaxIf(phase, at, at <= now64(3) + toIntervalSecond({lease:UInt32})) AS phase,
    maxIf(at, at <= now64(3) + toIntervalSecond({lease:UInt32})) > now64(3) - toIntervalSecond({lease:UInt32}) AS alive
FROM control
GROUP BY epoch
ORDER BY epoch DESC
LIMIT 1
