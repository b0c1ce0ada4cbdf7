-- The counted events of a site and day, or a part of them, in order of time; what an erasure took out may still lie there.
WITH
    (
        SELECT mapFromArrays(groupArray(visitor), groupArray(until))
        FROM (
            SELECT erasure.visitor AS visitor, max(erased.until) AS until
            FROM erasure
            INNER JOIN erased ON erasure.site = erased.site AND erasure.erasure = erased.erasure
            WHERE erasure.site = {site:String} AND erasure.visitor != ''
            GROUP BY visitor
        )
    ) AS erasing
SELECT
    id, type, visitor, toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(received) AS received_ms, seq, view,
    url, page, referrer, title, source, campaign, country, device, browser, os, screen_width, screen_height, data, scroll,
    engaged_ms, reinterpretAsInt64(amount) AS ten_thousandths, currency, transaction, {touch}
FROM events
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')} AND reason = ''
    AND visitor != '' AND (NOT mapContains(erasing, visitor) OR least(time, received) > erasing[visitor])
    AND hash % {chunks:UInt32} = {chunk:UInt32}
ORDER BY time, seq, id
