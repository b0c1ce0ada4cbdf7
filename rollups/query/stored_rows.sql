-- The raw events from one offset of a partition to another, in the columns of `EventRow` and in log order.
SELECT
    site, visitor, id, type, toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(received) AS received_ms,
    seq, view, url, page, referrer, title, source, campaign, country, device, browser, os, screen_width, screen_height,
    data, scroll, engaged_ms, reinterpretAsInt64(amount) AS ten_thousandths, currency, transaction, settings, reason,
    hash, log, partition, offset, index, keys, {touch}
FROM events
WHERE log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64}
    AND erasure = ''
ORDER BY offset, index
