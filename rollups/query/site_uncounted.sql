-- The lines of a site that do not count, by reason and receipt, of a day of receipts; not those of erased visitors.
SELECT reason, toUnixTimestamp64Milli(received) AS received_ms, toUInt64(sum(copies)) AS count
FROM events
WHERE site = {site:String} AND received >= {from:DateTime64(3, 'UTC')} AND received < {to:DateTime64(3, 'UTC')}
    AND reason NOT IN ('', 'erased')
GROUP BY reason, received
HAVING sum(copies) > 0
ORDER BY received, reason
