-- Every event with revenue, with the first touch of its session; which of them stands as the transaction is for queries to say,
-- since an earlier one may still come. `copies` > 0: its session stands.
-- source: sessions
-- grain: none
-- key: transaction, refund, at, seq, event, session, type, amount, currency, source, campaign
-- sum: copies
SELECT
    site,
    transaction,
    amount < 0 AS refund,
    at,
    seq,
    event,
    session,
    type,
    amount,
    currency,
    source,
    campaign,
    sign AS copies
FROM {source}
ARRAY JOIN
    tx_transaction AS transaction,
    tx_time AS at,
    tx_seq AS seq,
    tx_event AS event,
    tx_type AS type,
    tx_amount AS amount,
    tx_currency AS currency
-- edge final: site, transaction, refund, at, seq, event, session, type, amount, currency, source, campaign, copies
-- The table's own rows, of the sessions that stand and are selected: to read seven arrays of those is dearer.
SELECT *
FROM transaction FINAL
WHERE site = {site:String}
    AND session IN (SELECT session FROM {source} WHERE notEmpty(tx_transaction) GROUP BY session HAVING sum(sign) > 0)
