-- Session rows, as they lie there, that reach into one of the spans `begins` to `ends` (ms) of `visitors`; all of them
-- lie between `from` and `to`. Not those that start before `floor` (ms), unless they end at `spared` or later: of these
-- events are gone, and nobody changes them any more.
SELECT found.*
FROM
(
    SELECT
        site, visitor, session,
        toUnixTimestamp64Milli(start) AS start_ms, toUnixTimestamp64Milli(end) AS end_ms,
        source, campaign, country, device, browser, os, entry_page, exit_page, pageviews, events, engaged_ms, bucket,
        settings,
        pv_page, arrayMap(at -> toUnixTimestamp64Milli(at), pv_time) AS pv_time_ms, pv_depth, pv_engaged_ms,
        ev_type, arrayMap(at -> toUnixTimestamp64Milli(at), ev_time) AS ev_time_ms, ev_seq,
        tx_transaction, arrayMap(at -> toUnixTimestamp64Milli(at), tx_time) AS tx_time_ms, tx_seq, tx_event, tx_type,
        arrayMap(amount -> reinterpretAsInt64(amount), tx_amount) AS tx_ten_thousandths, tx_currency,
        hash, toInt8(1) AS one, version, {touch}
    FROM sessions
    WHERE site IN {sites:Array(String)} AND visitor IN {visitors:Array(String)}
        AND start <= {to:DateTime64(3, 'UTC')} AND end >= {from:DateTime64(3, 'UTC')}
    GROUP BY ALL
    HAVING sum(sign) > 0
) AS found
INNER JOIN
(
    SELECT asked.1 AS site, asked.2 AS visitor, asked.3 AS begin, asked.4 AS end, asked.5 AS floor, asked.6 AS spared
    FROM
    (
        SELECT arrayJoin(arrayZip(
            {sites:Array(String)}, {visitors:Array(String)}, {begins:Array(Int64)}, {ends:Array(Int64)},
            {floors:Array(Int64)}, {spared:Array(Int64)}
        )) AS asked
    )
) AS asked ON found.site = asked.site AND found.visitor = asked.visitor
WHERE start_ms <= asked.end AND end_ms >= asked.begin AND (start_ms >= asked.floor OR end_ms >= asked.spared)
