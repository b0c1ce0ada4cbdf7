-- Decided batches without their marker. A partition's batches follow one another, so only what begins at or after the
-- end of its last finished one can be one.
SELECT log, partition, a, b
FROM decision
LEFT JOIN (SELECT log, partition, max(b) AS position FROM progress GROUP BY log, partition) AS marked
    USING (log, partition)
WHERE a >= position
ORDER BY log, partition, a, b
