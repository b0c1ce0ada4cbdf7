-- By partition of each log: where its finished batches end, where the newest batch begins and ends that is known to be
-- decided, and behind which line of it the raw events end; 0 for what is not known.
SELECT log, partition, max(finished) AS finished, max(a) AS a, max(b) AS b, max(stored) AS stored
FROM
(
    SELECT log, partition, b AS finished, 0 AS a, 0 AS b, 0 AS stored FROM progress
    UNION ALL
    SELECT log, partition, 0 AS finished, a, b, 0 AS stored FROM decision
    UNION ALL
    -- They may be of months that are gone: then it was written down how far was counted.
    SELECT
        extract(row['place'], '^(.*)/') AS log, toUInt32(extract(row['place'], '[0-9]+$')) AS partition,
        0 AS finished, 0 AS a, 0 AS b, toUInt64(row['position']) AS stored
    FROM kept
    WHERE rollup = '(place)' AND (site, pass) IN (SELECT site, pass FROM retained)
    UNION ALL
    SELECT log, partition, 0 AS finished, 0 AS a, 0 AS b, max(offset) + 1 AS stored FROM events GROUP BY log, partition
)
GROUP BY log, partition
ORDER BY log, partition
