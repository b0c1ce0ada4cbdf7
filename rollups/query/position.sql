-- The end of a partition's last finished batch, and its newest receipt, ms; no row before the first.
SELECT max(b) AS b, toUnixTimestamp64Milli(max(received_to)) AS clock
FROM progress
WHERE log = {log:String} AND partition = {partition:UInt32}
HAVING count() > 0
