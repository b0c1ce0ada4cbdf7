-- Where the finished batches of every partition of every log end.
SELECT log, partition, max(b) AS position
FROM progress
GROUP BY log, partition
