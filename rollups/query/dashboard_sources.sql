-- The ten sources with most sessions that start in the range.
SELECT source, sum(sessions) AS count
FROM {rollup:friction}
GROUP BY source
HAVING count > 0
ORDER BY count DESC, source
LIMIT 10
