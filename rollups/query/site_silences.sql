-- Of every site: when the quarter of an hour of its last counted event began, the longest (ms) between two such quarters,
-- and the first of them, since `from`.
SELECT
    site,
    toUnixTimestamp64Milli(max(time)) AS last,
    toUnixTimestamp64Milli(min(time)) AS first,
    arrayMax(arrayDifference(arraySort(groupUniqArray(toUnixTimestamp64Milli(time))))) AS longest
FROM ledger
WHERE reason = '' AND time >= {from:DateTime64(3,'UTC')}
GROUP BY site
