-- The raw events from one offset of a partition to another, by their places; `since` and `until` (ms of receipt) prune.
SELECT offset, index, if(reason = 'erased' OR (reason = 'late' AND visitor = ''), NULL, id) AS id
FROM events
WHERE log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64} AND erasure = ''
    AND received >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND received <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')
