-- The session rows that a chunk's visitors may still change, as they lie there; some may be of an earlier memory.
SELECT
    sessions.site AS site, sessions.visitor AS visitor, session,
    toUnixTimestamp64Milli(start) AS start_ms, toUnixTimestamp64Milli(end) AS end_ms,
    source, campaign, country, device, browser, os, entry_page, exit_page, pageviews, events, engaged_ms, bucket, settings,
    pv_page, arrayMap(at -> toUnixTimestamp64Milli(at), pv_time) AS pv_time_ms, pv_depth, pv_engaged_ms,
    ev_type, arrayMap(at -> toUnixTimestamp64Milli(at), ev_time) AS ev_time_ms, ev_seq,
    tx_transaction, arrayMap(at -> toUnixTimestamp64Milli(at), tx_time) AS tx_time_ms, tx_seq, tx_event, tx_type,
    arrayMap(amount -> reinterpretAsInt64(amount), tx_amount) AS tx_ten_thousandths, tx_currency,
    sessions.hash AS hash, toInt8(1) AS sign, version
FROM
(
    SELECT *
    FROM sessions FINAL
    WHERE hash % {partitions:UInt32} = {partition:UInt32}
        AND intDiv(hash, {partitions:UInt32}) % {chunks:UInt32} = {chunk:UInt32}
        AND sign = 1
) AS sessions
INNER JOIN ({live}) AS live ON sessions.site = live.site AND sessions.visitor = live.visitor
WHERE end_ms >= live.newest - {keep:Int64}
