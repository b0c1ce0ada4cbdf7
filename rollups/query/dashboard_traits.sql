-- Sessions that start in the range, by source (kind bucket), country, device, and custom type that they hold (event); of
-- each kind the thousand largest, `(other)`, which is none of them, last.
SELECT kind, if(kind = 'bucket', source, value) AS name, sum(sessions) AS count
FROM {rollup:trait}
WHERE kind IN ('bucket', 'country', 'device', 'event')
GROUP BY kind, name
HAVING count > 0
ORDER BY kind, name = '(other)', count DESC, name
LIMIT 1000 BY kind
