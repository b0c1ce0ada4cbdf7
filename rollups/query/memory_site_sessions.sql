-- Every session row of a chunk of a site's visitors, as it lies there.
SELECT
    site, visitor, session,
    toUnixTimestamp64Milli(start) AS start_ms, toUnixTimestamp64Milli(end) AS end_ms,
    source, campaign, country, device, browser, os, entry_page, exit_page, pageviews, events, engaged_ms, bucket, settings,
    pv_page, arrayMap(at -> toUnixTimestamp64Milli(at), pv_time) AS pv_time_ms, pv_depth, pv_engaged_ms,
    ev_type, arrayMap(at -> toUnixTimestamp64Milli(at), ev_time) AS ev_time_ms, ev_seq,
    tx_transaction, arrayMap(at -> toUnixTimestamp64Milli(at), tx_time) AS tx_time_ms, tx_seq, tx_event, tx_type,
    arrayMap(amount -> reinterpretAsInt64(amount), tx_amount) AS tx_ten_thousandths, tx_currency,
    hash, sign, version
FROM sessions FINAL
WHERE site = {site:String} AND sign = 1 AND hash % {chunks:UInt32} = {chunk:UInt32}
