-- The newest claim to change the schema: whose, in which phase, and whether its heart still beats.
SELECT
    epoch,
    argMax(nonce, at) AS nonce,
    argMax(phase, at) AS phase,
    max(at) > now64(3) - toIntervalSecond({lease:UInt32}) AS alive
FROM control
GROUP BY epoch
ORDER BY epoch DESC
LIMIT 1
