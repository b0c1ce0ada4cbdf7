-- Days (partitions of the table) that are over a week old and whose batches all have their marker.
SELECT DISTINCT day
FROM (
    SELECT _partition_id AS day, max(at) AS newest, countIf(a >= position) AS unfinished
    FROM decided
    LEFT JOIN (SELECT log, partition, max(b) AS position FROM batches GROUP BY log, partition) AS marked USING (log, partition)
    GROUP BY day
)
WHERE unfinished = 0 AND newest < now() - toIntervalDay(7)
ORDER BY day
