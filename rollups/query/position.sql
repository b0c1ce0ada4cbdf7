-- The end of a partition's last finished batch, its newest receipt, ms, and how far its log was seen to reach; no row before
-- the first.
SELECT max(b) AS b, toUnixTimestamp64Milli(max(received_to)) AS clock, max(reach) AS reach
FROM progress
WHERE log = {log:String} AND partition = {partition:UInt32}
HAVING count() > 0
