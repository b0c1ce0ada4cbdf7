-- The end of a partition's last finished batch; no row before the first.
SELECT max(b) AS b
FROM progress
WHERE log = {log:String} AND partition = {partition:UInt32}
HAVING count() > 0
