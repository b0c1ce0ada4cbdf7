-- What a worker must know once it has decided: whose decision stands at the place, and the phase of a migration, '' without
-- one. Of what `control` says see control_state.sql.
SELECT
    (
        SELECT groupUniqArray(nonce)
        FROM decision
        WHERE log = {log:String} AND partition = {partition:UInt32} AND a = {a:UInt64}
    ) AS nonces,
    (
        SELECT if(
            maxIf(at, at <= now64(3) + toIntervalSecond({lease:UInt32})) > now64(3) - toIntervalSecond({lease:UInt32}),
            argMaxIf(phase, at, at <= now64(3) + toIntervalSecond({lease:UInt32})),
            ''
        )
        FROM control
        GROUP BY epoch
        ORDER BY epoch DESC
        LIMIT 1
    ) AS phase
