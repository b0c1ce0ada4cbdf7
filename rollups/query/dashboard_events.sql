-- The ten custom types that most sessions starting in the range hold.
SELECT type, sum(sessions) AS count
FROM {rollup:event_reach}
GROUP BY type
HAVING count > 0
ORDER BY count DESC, type
LIMIT 10
