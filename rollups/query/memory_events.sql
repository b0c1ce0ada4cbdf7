-- The counted events of a chunk's visitors, from the oldest session on that they may still change; those of an earlier
-- memory are told apart, because its session rows may begin with an id that came again.
SELECT
    events.site AS site, events.visitor AS visitor,
    toUnixTimestamp64Milli(time) AS time_ms, seq, id, type, view, page, source, campaign, country, device, browser, os,
    settings, scroll, engaged_ms, reinterpretAsInt64(amount) AS ten_thousandths, currency, transaction,
    toUnixTimestamp64Milli(received) >= live.begin AS own
FROM events
INNER JOIN ({live}) AS live ON events.site = live.site AND events.visitor = live.visitor
LEFT JOIN
(
    SELECT sessions.site AS site, sessions.visitor AS visitor, toUnixTimestamp64Milli(min(start)) AS oldest
    FROM
    (
        SELECT site, visitor, start, end
        FROM sessions FINAL
        WHERE hash % {partitions:UInt32} = {partition:UInt32}
            AND intDiv(hash, {partitions:UInt32}) % {chunks:UInt32} = {chunk:UInt32}
            AND sign = 1
    ) AS sessions
    INNER JOIN ({live}) AS live ON sessions.site = live.site AND sessions.visitor = live.visitor
    WHERE toUnixTimestamp64Milli(end) >= live.newest - {keep:Int64}
    GROUP BY site, visitor
) AS reach ON events.site = reach.site AND events.visitor = reach.visitor
WHERE events.hash % {partitions:UInt32} = {partition:UInt32}
    AND intDiv(events.hash, {partitions:UInt32}) % {chunks:UInt32} = {chunk:UInt32}
    AND reason = ''
    AND NOT (log = {log:String} AND partition = {partition:UInt32} AND offset >= {before:UInt64})
    AND time_ms >= least(live.newest - {keep:Int64}, if(reach.visitor = '', live.newest - {keep:Int64}, reach.oldest))
