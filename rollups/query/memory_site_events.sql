-- Every event of a chunk of a site's visitors, in the order of their receipt; those that do not count are receipts too.
SELECT
    visitor, hash, toUnixTimestamp64Milli(received) AS received_ms, reason = '' AS counted,
    toUnixTimestamp64Milli(time) AS time_ms, seq, id, type, view, page, source, campaign, country, device, browser, os,
    settings, scroll, engaged_ms, reinterpretAsInt64(amount) AS ten_thousandths, currency, transaction
FROM events
WHERE site = {site:String} AND visitor != '' AND hash % {chunks:UInt32} = {chunk:UInt32}
ORDER BY visitor, received
