-- How many batches, of all partitions, were finished since one was decided; and whether it was itself.
SELECT
    count() AS batches,
    countIf(log = {log:String} AND partition = {partition:UInt32} AND a = {a:UInt64}) > 0 AS finished
FROM batches
WHERE at >= (
    SELECT min(decided.at)
    FROM decided
    WHERE log = {log:String} AND partition = {partition:UInt32} AND a = {a:UInt64}
)
