-- Everybody who was erased, the latest erasure of each.
SELECT
    site,
    digest,
    toUnixTimestamp64Milli(max(until)) AS until_ms,
    argMax(log, until) AS log,
    argMax(partition, until) AS partition,
    argMax(offset, until) AS offset,
    argMax(erasure, until) AS erasure
FROM erased
GROUP BY site, digest
