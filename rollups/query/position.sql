-- The end of a partition's last finished batch.
SELECT b
FROM batches
WHERE log = {log:String} AND partition = {partition:UInt32}
ORDER BY a DESC
LIMIT 1
