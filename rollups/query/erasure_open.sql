-- The erasures of a visitor that are not through, the newest first; `counted`: out of every number.
SELECT erasure, erasure IN (SELECT erasure FROM erased) AS counted
FROM erasure
WHERE site = {site:String} AND visitor = {visitor:String}
ORDER BY at DESC, erasure
