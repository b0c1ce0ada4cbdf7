-- Says again that everything of a partition before `position` is finished, with what its raw events tell of it. What
-- `batches` counts must only be more than before.
INSERT INTO progress (log, partition, b, received_to, counts, batches)
WITH
    (
        SELECT CAST(sumMap(counts), 'Map(String, UInt64)')
        FROM progress
        WHERE log = {log:String} AND partition = {partition:UInt32}
    ) AS known
SELECT
    {log:String},
    {partition:UInt32},
    {position:UInt64},
    max(newest),
    CAST(groupArrayIf((kind, lines - known[kind]), lines > known[kind]), 'Map(String, UInt64)'),
    toUnixTimestamp(now())
FROM
(
    SELECT if(reason = '', 'counted', toString(reason)) AS kind, max(received) AS newest, count() AS lines
    FROM events
    WHERE log = {log:String} AND partition = {partition:UInt32} AND offset < {position:UInt64}
    GROUP BY kind
)
