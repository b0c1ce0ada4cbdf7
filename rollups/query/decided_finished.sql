-- The finished batches of a log whose decisions are kept.
SELECT partition, a
FROM decision
INNER JOIN (SELECT partition, max(b) AS position FROM progress WHERE log = {log:String} GROUP BY partition) AS marked
    USING (partition)
WHERE log = {log:String} AND a < position
GROUP BY partition, a
ORDER BY partition, a
