-- Partitions with finished batches that are old enough to go: those that begin before `position` and were decided before
-- `before`, a week ago. What was decided since the oldest unfinished batch stays: decided_since.sql counts it. Only where
-- some are a day older than that, because a deletion writes parts anew.
WITH
    marked AS (SELECT log, partition, max(b) AS position FROM progress GROUP BY log, partition),
    placed AS (SELECT log, partition, a, at, position FROM decision LEFT JOIN marked USING (log, partition)),
    (SELECT least(now() - toIntervalDay(7), ifNull(minOrNull(at), now())) FROM placed WHERE a >= position) AS before
SELECT log, partition, position, before
FROM placed
WHERE a < position AND at < before - toIntervalDay(1)
GROUP BY log, partition, position
ORDER BY log, partition
