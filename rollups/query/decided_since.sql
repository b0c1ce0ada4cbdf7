-- How many batches, of all partitions, were decided since one was; and whether that one is finished.
SELECT
    count() AS batches,
    (
        SELECT max(b) FROM progress WHERE log = {log:String} AND partition = {partition:UInt32}
    ) > {a:UInt64} AS finished
FROM decision
WHERE at >= (
    SELECT min(decision.at)
    FROM decision
    WHERE log = {log:String} AND partition = {partition:UInt32} AND a = {a:UInt64}
)
