-- The end of a partition's last finished batch, and its newest receipt, ms.
SELECT b, toUnixTimestamp64Milli(received_to) AS clock
FROM batches
WHERE log = {log:String} AND partition = {partition:UInt32}
ORDER BY a DESC
LIMIT 1
