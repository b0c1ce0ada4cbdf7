-- How many lines of a batch lie in the raw events.
SELECT count() AS lines
FROM events
WHERE (log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64} AND erasure = '')
    OR startsWith(erasure, concat({token:String}, '/'))
