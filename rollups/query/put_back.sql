-- When and where logs were found put back, latest last.
SELECT log, partition, kept, counted, toUnixTimestamp(at) AS at
FROM put_back
ORDER BY at, log, partition, counted
