-- What was decided at one position of a partition (one row, or something is wrong), and how long ago.
SELECT b, nonce, hex(blob) AS blob, lived AS life, dateDiff('second', at, now()) AS age
FROM decision
WHERE log = {log:String} AND partition = {partition:UInt32} AND a = {a:UInt64}
