-- Counted events within one of the spans `begins` to `ends` (ms) of `visitors`; all of them lie between `from` and `to`.
SELECT found.* EXCEPT (received_ms, log, partition, offset)
FROM
(
    SELECT
        site, visitor, toUnixTimestamp64Milli(time) AS time_ms, seq, id, type, view, page, source, campaign, country,
        device, browser, os, settings, scroll, engaged_ms, reinterpretAsInt64(amount) AS ten_thousandths, currency,
        transaction, {touch}, toUnixTimestamp64Milli(received) AS received_ms, log, partition, offset
    FROM events
    WHERE site IN {sites:Array(String)} AND visitor IN {visitors:Array(String)}
        AND toStartOfHour(time) >= toStartOfHour({from:DateTime64(3, 'UTC')})
        AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
        AND reason = ''
) AS found
INNER JOIN
(
    SELECT
        asked.1 AS site, asked.2 AS visitor, asked.3 AS begin, asked.4 AS end, asked.5 AS until, asked.6 AS log,
        asked.7 AS partition, asked.8 AS offset, asked.9 AS floor
    FROM
    (
        SELECT arrayJoin(arrayZip(
            {sites:Array(String)}, {visitors:Array(String)}, {begins:Array(Int64)}, {ends:Array(Int64)},
            {untils:Array(Int64)}, {logs:Array(String)}, {partitions:Array(UInt32)}, {offsets:Array(UInt64)},
            {floors:Array(Int64)}
        )) AS asked
    )
) AS asked ON found.site = asked.site AND found.visitor = asked.visitor
WHERE time_ms BETWEEN asked.begin AND asked.end AND time_ms >= asked.floor
    -- What an erasure took may still lie there.
    AND least(time_ms, received_ms) > asked.until
    AND NOT (found.log = asked.log AND found.partition = asked.partition AND found.offset < asked.offset)
