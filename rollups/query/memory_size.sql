-- How many visitors of a partition are remembered.
SELECT uniqExact(site, visitor) AS visitors
FROM events
WHERE hash % {partitions:UInt32} = {partition:UInt32} AND visitor != ''
    AND received >= fromUnixTimestamp64Milli({alive:Int64}, 'UTC')
    AND NOT (log = {log:String} AND partition = {partition:UInt32} AND offset >= {before:UInt64})
