-- When and where a log was found put back within a week, the latest first.
SELECT partition, kept, counted, toUnixTimestamp(at) AS at
FROM put_back
WHERE log = {log:String} AND put_back.at > now() - toIntervalDay(7)
ORDER BY at DESC, partition
LIMIT 20
