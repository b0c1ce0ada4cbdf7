-- The newest receipt of a partition below an offset of its log; other logs, and other partitions of it, were drained.
SELECT toUnixTimestamp64Milli(max(received)) AS clock, count() AS lines
FROM events
WHERE hash % {partitions:UInt32} = {partition:UInt32}
    AND NOT (log = {log:String} AND partition = {partition:UInt32} AND offset >= {before:UInt64})
