-- The lines of a site that do not count, by reason and receipt, of a day of receipts.
SELECT reason, toUnixTimestamp64Milli(received) AS received_ms, count() AS count
FROM events
WHERE site = {site:String} AND received >= {from:DateTime64(3, 'UTC')} AND received < {to:DateTime64(3, 'UTC')}
    AND reason != ''
GROUP BY reason, received
ORDER BY received, reason
