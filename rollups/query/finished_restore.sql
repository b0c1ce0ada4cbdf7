-- Says again that everything of a partition before `position` is finished. What `batches` counts must only be more than
-- before.
INSERT INTO progress (log, partition, b, received_to, counts, batches)
SELECT {log:String}, {partition:UInt32}, {position:UInt64}, max(received), CAST(map(), 'Map(String, UInt64)'), toUnixTimestamp(now())
FROM events
WHERE log = {log:String} AND partition = {partition:UInt32} AND offset < {position:UInt64}
