-- Who is still to be erased: the visitor, '' once nothing but old copies of files may hold anything of them, since `at_ms`; and
-- how far it is (`counted`: taken out of every number).
SELECT
    site,
    erasure,
    max(visitor) AS visitor,
    toUnixTimestamp64Milli(max(at)) AS at_ms,
    erasure IN (SELECT erasure FROM erased) AS counted
FROM erasure
GROUP BY site, erasure
ORDER BY at_ms, erasure
