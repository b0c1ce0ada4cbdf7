-- By partition of each log: where its finished batches end, where the newest batch begins and ends that is known to be
-- decided, and behind which line of it the raw events end; 0 for what is not known.
SELECT log, partition, max(finished) AS finished, max(a) AS a, max(b) AS b, max(stored) AS stored
FROM
(
    SELECT log, partition, b AS finished, 0 AS a, 0 AS b, 0 AS stored FROM progress
    UNION ALL
    SELECT log, partition, 0 AS finished, a, b, 0 AS stored FROM decision
    UNION ALL
    SELECT log, partition, 0 AS finished, 0 AS a, 0 AS b, max(offset) + 1 AS stored FROM events GROUP BY log, partition
)
GROUP BY log, partition
ORDER BY log, partition
