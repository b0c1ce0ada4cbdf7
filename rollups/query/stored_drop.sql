-- Take the lines of a batch out of the raw events.
ALTER TABLE events DELETE
WHERE (log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64} AND erasure = '')
    OR startsWith(erasure, concat({token:String}, '/'))
