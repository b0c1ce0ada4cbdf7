-- The ten custom types that most sessions starting in the range hold; `(other)`, which is none, only if there are no ten.
SELECT type, sum(sessions) AS count
FROM {rollup:event_reach}
GROUP BY type
HAVING count > 0
ORDER BY type = '(other)', count DESC, type
LIMIT 10
