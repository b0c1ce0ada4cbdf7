-- The ten sources with most sessions that start in the range; `(other)`, which is none, only if there are no ten.
SELECT source, sum(sessions) AS count
FROM {rollup:friction}
GROUP BY source
HAVING count > 0
ORDER BY source = '(other)', count DESC, source
LIMIT 10
