-- Adds what the raw events of finished batches of a partition tell beyond what is known of them.
INSERT INTO progress (log, partition, b, received_to, counts)
WITH
    (
        SELECT (max(b), max(received_to), CAST(sumMap(counts), 'Map(String, UInt64)'))
        FROM progress
        WHERE log = {log:String} AND partition = {partition:UInt32}
    ) AS known
SELECT
    {log:String},
    {partition:UInt32},
    known.1,
    known.2,
    CAST(groupArrayIf((kind, lines - known.3[kind]), lines > known.3[kind]), 'Map(String, UInt64)')
FROM
(
    SELECT kind, sum(lines) AS lines
    FROM
    (
        -- Of whom was erased the batches said something else, most often that they count.
        SELECT if(reason = '' OR erasure != '', 'counted', toString(reason)) AS kind, sum(copies) AS lines
        FROM events
        WHERE log = {log:String} AND partition = {partition:UInt32} AND offset < known.1
        GROUP BY kind
        UNION ALL
        SELECT row['kind'], toInt64(row['lines'])
        FROM kept
        WHERE rollup = '(lines)' AND (site, pass) IN (SELECT site, pass FROM retained)
            AND row['log'] = {log:String} AND row['partition'] = toString({partition:UInt32})
    )
    GROUP BY kind
)
