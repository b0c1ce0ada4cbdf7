-- Every erasure that is in the numbers.
SELECT site, digest, toUnixTimestamp64Milli(until) AS until_ms, log, partition, offset, erasure
FROM erased
