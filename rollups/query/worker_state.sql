-- What a worker must know before it decides: the server's life, '' if nobody has named it, and the phase of a migration,
-- '' without one. Of what `control` says see control_state.sql.
SELECT
    (SELECT min(id) FROM life) AS life,
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
