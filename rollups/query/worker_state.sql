-- What a worker must know before it decides: the server's life, '' if nobody has named it, and the phase of a migration.
SELECT
    (SELECT min(id) FROM life) AS life,
    (
        SELECT if(max(at) > now64(3) - toIntervalSecond({lease:UInt32}), argMax(phase, at), '')
        FROM control
        GROUP BY epoch
        ORDER BY epoch DESC
        LIMIT 1
    ) AS phase
