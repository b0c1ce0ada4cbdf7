-- Every log that was ever counted: its partitions, when it was last heard of, and its decided batches without a marker.
SELECT log, uniqExact(partition) AS partitions, toUnixTimestamp(max(heard)) AS heard, sum(open) AS unfinished
FROM
(
    SELECT log, partition, at AS heard, 0 AS open
    FROM progress
    UNION ALL
    SELECT log, partition, at AS heard, a >= position AS open
    FROM decision
    LEFT JOIN (SELECT log, partition, max(b) AS position FROM progress GROUP BY log, partition) AS marked
        USING (log, partition)
)
GROUP BY log
ORDER BY heard DESC, log
