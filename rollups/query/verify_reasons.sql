-- Events of one site whose reason cannot be right: an id that its visitor had already, within 24 h 30 min of the event's
-- time, is a duplicate and nothing else is, but near the cut, where the first may be gone; only the endpoint calls events
-- late, and workers those of before the cut, which have no visitor. Floods are left to the workers.
WITH
(SELECT toUnixTimestamp64Milli(max(events)) FROM retained WHERE site = {site:String}) AS cut,
arrived AS (
    SELECT
        visitor,
        id,
        time,
        received,
        reason,
        -- Arrival: the order of the log; of two logs (or partitions) the one that spoke first.
        (min(received) OVER (PARTITION BY visitor, log, partition), log, partition, offset, index) AS arrival
    FROM events
    WHERE site = {site:String} AND visitor != '' AND hash % {chunks:UInt32} = {chunk:UInt32}
),
copies AS (
    SELECT visitor, id, arraySort(groupArray((arrival, toUnixTimestamp64Milli(time), reason, received))) AS list
    FROM arrived
    GROUP BY visitor, id
    HAVING length(list) > 1 OR list[1].3 IN ('duplicate', 'late')
)
SELECT
    visitor,
    id,
    toUnixTimestamp64Milli(copy.4) AS received,
    copy.3 AS found,
    arrayExists(
        other -> other.1 < copy.1 AND other.3 = '' AND abs(other.2 - copy.2) <= 24 * 3600000 + 30 * 60000, list
    ) AS held,
    multiIf(held OR (found = 'duplicate' AND copy.2 < cut + 24 * 3600000 + 30 * 60000), 'duplicate', found IN ('duplicate', 'late'), 'counted', found) AS expected
FROM copies
ARRAY JOIN list AS copy
WHERE found != expected
ORDER BY visitor, received, id
LIMIT {most:UInt32}
