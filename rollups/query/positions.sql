-- The end of every partition's last finished batch.
SELECT log, partition, max(b) AS position
FROM progress
GROUP BY log, partition
