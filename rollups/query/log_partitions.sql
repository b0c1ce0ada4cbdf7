-- How many partitions the log was first counted with.
SELECT partitions
FROM logs
WHERE log = {log:String}
ORDER BY at, partitions
LIMIT 1
