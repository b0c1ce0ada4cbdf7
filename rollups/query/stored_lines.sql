-- The raw events from one offset of a partition to another, by their places.
SELECT offset, index, id
FROM events
WHERE log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64}
