-- Sessions of one site recomputed from its raw events, against the session rows: what is left are the differences.
-- Visitors are taken in `chunks` parts by their hash; `copies` > 0: expected and not found, < 0: found and not expected.
-- Of who is being erased the sessions go before the events do; of sessions before what the site keeps, the events are gone. A session's id is opaque, so it is not compared; everything else of a row is.
WITH
heard AS (
    SELECT
        visitor,
        (
            toUnixTimestamp64Milli(time), seq, id, type, view, page, source, campaign, country, device, browser, os,
            scroll, engaged_ms, amount, currency, transaction, settings, hash,
            ({touch_texts})
        ) AS event
    FROM events
    WHERE site = {site:String} AND visitor != '' AND reason = '' AND hash % {chunks:UInt32} = {chunk:UInt32}
        AND visitor NOT IN (SELECT visitor FROM erasure WHERE site = {site:String})
),
-- Runs of events without a gap over 30 min. Sessions never reach over the edge of a run.
gaps AS (
    SELECT visitor, event, event.1 - lagInFrame(event.1, 1, event.1) OVER so_far > 30 * 60000 AS gap
    FROM heard
    WINDOW so_far AS (PARTITION BY visitor ORDER BY event ROWS UNBOUNDED PRECEDING)
),
runs AS (
    SELECT visitor, event, sum(gap) OVER (PARTITION BY visitor ORDER BY event ROWS UNBOUNDED PRECEDING) AS run
    FROM gaps
),
-- Within a run a session starts at its first interactive event, the next one at an interactive event over 24 h later.
-- A passive event stays with the one before it; those before the first interactive one are in no session.
cuts AS (
    SELECT
        visitor,
        run,
        arraySort(groupArray(event)) AS list,
        arrayFold(
            (found, type, time, n) -> if(
                type != 'engagement' AND (empty(found.1) OR time - found.2 > 24 * 3600000),
                (arrayPushBack(found.1, n), time),
                found
            ),
            list.4,
            list.1,
            arrayEnumerate(list),
            (emptyArrayUInt32(), toInt64(0))
        ).1 AS firsts
    FROM runs
    GROUP BY visitor, run
),
placed AS (
    SELECT
        (visitor, run, arrayCount(first -> first <= n, firsts)) AS session,
        n,
        event.1 AS time,
        event.2 AS seq,
        event.3 AS id,
        event.4 AS type,
        event.5 AS view,
        event.6 AS page,
        (toString(event.7), event.8, toString(event.9), toString(event.10), toString(event.11), toString(event.12), event.20) AS touch,
        event.13 AS scroll,
        event.14 AS engaged_ms,
        event.15 AS amount,
        event.16 AS currency,
        event.17 AS transaction,
        event.18 AS settings,
        event.19 AS hash
    FROM cuts
    ARRAY JOIN list AS event, arrayEnumerate(list) AS n
    WHERE session.3 > 0
),
-- Engagement credits the latest pageview of the same view, else the latest earlier one of the same page.
found AS (
    SELECT
        *,
        maxIf(n, type = 'pageview') OVER (PARTITION BY session, view) AS of_view,
        maxIf(n, type = 'pageview') OVER (PARTITION BY session, page ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS of_page
    FROM placed
),
credited AS (
    SELECT
        *,
        multiIf(type = 'pageview', n, type != 'engagement', 0, view != '' AND of_view > 0, of_view, of_page) AS target,
        if(type = 'engagement', engaged_ms, NULL) AS engaged
    FROM found
),
reached AS (
    SELECT
        *,
        max(ifNull(scroll, -1)) OVER (PARTITION BY session, target) AS deepest,
        sum(ifNull(engaged, 0)) OVER (PARTITION BY session, target) AS spent_here
    FROM credited
),
-- What lies there says three things that the events do not: by which later settings a rebuild judged a session, which of
-- its names were beyond the site's daily number of values, and whether a build of before wrote it, which knew no `more`.
written AS (
    SELECT
        visitor,
        toUnixTimestamp64Milli(start) AS start,
        max(settings) AS revision,
        any(toString(source)) AS source,
        any(campaign) AS campaign,
        any(({touch_texts})) AS more,
        any(pv_page) AS pages,
        any(arrayMap(type -> toString(type), ev_type)) AS types
    FROM (
        SELECT visitor, start, settings, source, campaign, pv_page, ev_type, {touch}
        FROM sessions
        WHERE site = {site:String} AND hash % {chunks:UInt32} = {chunk:UInt32}
        GROUP BY ALL
        HAVING sum(sign) > 0
    )
    GROUP BY visitor, start
),
whole AS (
    SELECT
        session,
        any(hash) AS hash,
        min(time) AS first,
        max(time) AS last,
        argMin(touch, (type != 'pageview', n)) AS touch,
        countIf(type != 'engagement') AS interactive,
        sumOrNull(engaged) AS engaged,
        max(settings) AS revision,
        groupUniqArrayIf(type, type != 'engagement') AS types,
        arraySort(groupArrayIf((n, page, time, deepest, spent_here), type = 'pageview')) AS pv,
        arraySort(groupArrayIf((n, type, time, seq), type NOT IN ('pageview', 'engagement'))) AS ev,
        arraySort(groupArrayIf((n, transaction, time, seq, id, type, assumeNotNull(amount), currency), amount IS NOT NULL)) AS tx,
        ifNull(engaged, last - first) AS spent,
        arrayMax(arrayPushBack(pv.4, 0)) AS depth
    FROM reached
    GROUP BY session
),
paired AS (
    SELECT
        whole.*,
        if(
            written.revision > revision
            AND written.revision IN (SELECT revision FROM registry WHERE kind = 'site' AND id = {site:String}),
            [revision, written.revision],
            [revision]
        ) AS revisions,
        written.source AS as_source,
        written.campaign AS as_campaign,
        if(written.more = ('', '', '', '', '', '', ''), written.more, touch.7) AS more,
        if(length(written.pages) = length(pv), written.pages, pv.2) AS as_pages,
        if(length(written.types) = length(ev), written.types, arrayMap(type -> toString(type), ev.2)) AS as_types,
        1 AS one,
        judged_by
    FROM whole
    LEFT JOIN written ON whole.session.1 = written.visitor AND whole.first = written.start
    ARRAY JOIN revisions AS judged_by
),
-- Thresholds by the revision that introduced them, in ms and hundredths of a per cent; revision 0 has the defaults.
thresholds AS (
    SELECT
        1 AS one,
        revision AS since,
        toDecimal64(coalesce(nullIf(JSONExtractRaw(friction, 'bouncer_seconds'), ''), '10'), 6) * 1000 AS bouncer,
        toDecimal64(coalesce(nullIf(JSONExtractRaw(friction, 'skimmer_seconds_per_page'), ''), '15'), 6) * 1000 AS skimmer,
        toDecimal64(coalesce(nullIf(JSONExtractRaw(friction, 'engaged_pageviews'), ''), '3'), 6) AS engaged_pageviews,
        toDecimal64(coalesce(nullIf(JSONExtractRaw(friction, 'engaged_seconds'), ''), '30'), 6) * 1000 AS engaged_enough,
        toDecimal64(coalesce(nullIf(JSONExtractRaw(friction, 'deep_seconds'), ''), '60'), 6) * 1000 AS deep_ms,
        toDecimal64(coalesce(nullIf(JSONExtractRaw(friction, 'deep_percent'), ''), '50'), 6) * 100 AS deep,
        if(
            JSONHas(body, 'settings', 'pairs'),
            JSONExtract(body, 'settings', 'pairs', 'Array(Array(String))'),
            [['form_start', 'form_submit'], ['add_to_cart', 'purchase'], ['checkout_start', 'purchase']]
        ) AS pairs
    FROM (
        SELECT revision, body, JSONExtractRaw(body, 'settings', 'friction') AS friction
        FROM registry
        WHERE kind = 'site' AND id = {site:String}
        UNION ALL
        SELECT 0, '{}', ''
    )
),
judged AS (
    SELECT
        session,
        hash,
        first,
        last,
        touch,
        more,
        interactive,
        engaged,
        judged_by,
        revision,
        if(as_source = '(other)', as_source, touch.1) AS source,
        if(as_campaign = '(other)', as_campaign, touch.2) AS campaign,
        arrayMap((name, as) -> if(as = '(other)', as, name), pv.2, as_pages) AS pages,
        arrayMap((name, as) -> if(as = '(other)', as, toString(name)), ev.2, as_types) AS names,
        pv,
        ev,
        tx,
        multiIf(
            notEmpty(tx), 'engaged',
            arrayExists(
                pair -> has(types, pair[1])
                AND NOT arrayExists(each -> each[1] = pair[1] AND hasAny(types, arraySlice(each, 2)), pairs),
                pairs
            ), 'hesitator',
            notEmpty(ev)
            OR (length(pv) >= engaged_pageviews AND spent >= engaged_enough)
            OR (spent >= deep_ms AND depth >= deep), 'engaged',
            length(pv) <= 1 AND spent < bouncer, 'bouncer',
            spent < skimmer * length(pv), 'skimmer',
            'hesitator'
        ) AS kind
    FROM paired
    ASOF LEFT JOIN thresholds ON paired.one = thresholds.one AND paired.judged_by >= thresholds.since
),
-- A rebuild's revision stands where its bucket is another than that of the events' own.
standing AS (
    SELECT *
    FROM (SELECT *, first_value(kind) OVER (PARTITION BY session ORDER BY judged_by) AS own FROM judged)
    WHERE judged_by = revision OR kind != own
    ORDER BY judged_by DESC
    LIMIT 1 BY session
),
sides AS (
    SELECT
        session.1 AS visitor,
        first AS start,
        last AS end,
        source,
        campaign,
        touch.3 AS country,
        touch.4 AS device,
        touch.5 AS browser,
        touch.6 AS os,
        if(empty(pv), NULL, pages[1]) AS entry_page,
        if(empty(pv), NULL, pages[-1]) AS exit_page,
        toUInt32(length(pv)) AS pageviews,
        toUInt32(interactive) AS events,
        engaged AS engaged_ms,
        kind AS bucket,
        judged_by AS settings,
        pages AS pv_page,
        pv.3 AS pv_time,
        arrayMap(depth -> toInt32(depth), pv.4) AS pv_depth,
        pv.5 AS pv_engaged_ms,
        names AS ev_type,
        ev.3 AS ev_time,
        ev.4 AS ev_seq,
        tx.2 AS tx_transaction,
        tx.3 AS tx_time,
        tx.4 AS tx_seq,
        tx.5 AS tx_event,
        arrayMap(type -> toString(type), tx.6) AS tx_type,
        tx.7 AS tx_amount,
        arrayMap(currency -> toString(currency), tx.8) AS tx_currency,
        hash,
        more,
        toInt64(1) AS weight
    FROM standing
    UNION ALL
    SELECT
        visitor,
        toUnixTimestamp64Milli(start),
        toUnixTimestamp64Milli(end),
        toString(source),
        campaign,
        toString(country),
        toString(device),
        toString(browser),
        toString(os),
        entry_page,
        exit_page,
        pageviews,
        events,
        engaged_ms,
        toString(bucket),
        settings,
        pv_page,
        arrayMap(time -> toUnixTimestamp64Milli(time), pv_time),
        pv_depth,
        pv_engaged_ms,
        arrayMap(type -> toString(type), ev_type),
        arrayMap(time -> toUnixTimestamp64Milli(time), ev_time),
        ev_seq,
        tx_transaction,
        arrayMap(time -> toUnixTimestamp64Milli(time), tx_time),
        tx_seq,
        tx_event,
        arrayMap(type -> toString(type), tx_type),
        tx_amount,
        arrayMap(currency -> toString(currency), tx_currency),
        hash,
        ({touch_texts}),
        -toInt64(sign)
    FROM sessions
    WHERE site = {site:String} AND hash % {chunks:UInt32} = {chunk:UInt32}
        AND visitor NOT IN (SELECT visitor FROM erasure WHERE site = {site:String})
        AND (
            start >= (SELECT max(events) FROM retained WHERE site = {site:String})
            OR (visitor, toUnixTimestamp64Milli(start)) IN (
                SELECT row['visitor'], toInt64(row['start'])
                FROM kept
                WHERE site = {site:String} AND rollup = '(crossing)'
                    AND pass = (SELECT max(pass) FROM retained WHERE site = {site:String})
            )
        )
),
-- A row is one value before it is grouped by: grouped by its thirty expressions, the statement takes 0.3 s to analyse.
compared AS (
    SELECT
        visitor,
        start,
        tuple(
            end, source, campaign, country, device, browser, os, entry_page, exit_page, pageviews, events, engaged_ms, bucket, settings,
            pv_page, pv_time, pv_depth, pv_engaged_ms, ev_type, ev_time, ev_seq,
            tx_transaction, tx_time, tx_seq, tx_event, tx_type, tx_amount, tx_currency, hash, more
        ) AS row,
        weight
    FROM sides
)
SELECT visitor, start, row, sum(weight) AS copies
FROM compared
GROUP BY visitor, start, row
HAVING copies != 0
ORDER BY visitor, start
LIMIT {most:UInt32}
