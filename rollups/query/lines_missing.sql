-- How many lines more the finished batches had than there are raw events of their partitions, all together; of how many
-- partitions the first decision is not kept (`begun`).
SELECT
    sum(greatest(counted - stored, 0)) AS lines,
    countIf((log, partition) NOT IN (SELECT log, partition FROM decision WHERE a = 0)) AS begun
FROM
(
    SELECT log, partition, sum(counted) AS counted, sum(stored) AS stored
    FROM
    (
        SELECT log, partition, toInt64(arraySum(mapValues(counts)) - counts['dead']) AS counted, 0 AS stored
        FROM progress
        UNION ALL
        SELECT log, partition, 0 AS counted, sum(copies) AS stored FROM events GROUP BY log, partition
        UNION ALL
        SELECT row['log'], toUInt32(row['partition']), 0, toInt64(row['lines'])
        FROM kept
        WHERE rollup = '(lines)' AND (site, pass) IN (SELECT site, pass FROM retained)
    )
    GROUP BY log, partition
)
