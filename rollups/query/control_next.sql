-- The moment of what a claim says next, ms: now, and after all that it said.
SELECT toUnixTimestamp64Milli(greatest(now64(3), max(at) + toIntervalMillisecond(1))) AS at
FROM control
WHERE epoch = {epoch:UInt64}
