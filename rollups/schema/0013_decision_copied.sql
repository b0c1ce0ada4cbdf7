-- What is unfinished, and what was decided since the oldest such batch, by which the age of its tokens is told. They come
-- without their tokens, which nobody needs: whoever takes a partition finds them, and inserts them instead of deciding.
INSERT INTO decision_new (log, partition, a, b, nonce, blob, at)
WITH placed AS
(
    SELECT log, partition, a, b, nonce, blob, at, a >= position AS unfinished
    FROM decided_by_day
    LEFT JOIN (SELECT log, partition, max(b) AS position FROM progress_new GROUP BY log, partition) AS marked
        USING (log, partition)
)
SELECT log, partition, a, b, nonce, blob, at
FROM placed
WHERE unfinished OR at >= (SELECT minOrNull(at) FROM placed WHERE unfinished)
