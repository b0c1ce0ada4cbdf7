-- Events of one site whose reason cannot be right: by what must be late, what must be a duplicate, and what cannot be.
-- Only what follows from the events alone; whether an old copy was still held, and floods, are left to the workers.
WITH
heard AS (
    SELECT
        visitor,
        id,
        time,
        received,
        reason,
        (min(received) OVER (PARTITION BY visitor, log, partition), log, partition, offset, index) AS arrival
    FROM events
    WHERE site = {site:String} AND visitor != '' AND hash % {chunks:UInt32} = {chunk:UInt32}
),
silences AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY visitor ORDER BY arrival) AS place,
        max(received) OVER (PARTITION BY visitor ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS heard_before,
        place > 1 AND received > heard_before + toIntervalHour(25) AS silent
    FROM heard
),
remembered AS (
    SELECT *, sum(silent) OVER (PARTITION BY visitor ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS memory
    FROM silences
),
judged AS (
    SELECT
        *,
        maxIf(toNullable(time), reason = '') OVER (
            PARTITION BY visitor, memory ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS newest,
        maxIf(toNullable(time), reason = '') OVER (
            PARTITION BY visitor, memory, id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS copy
    FROM remembered
)
SELECT
    visitor,
    id,
    toUnixTimestamp64Milli(received) AS received,
    reason AS found,
    multiIf(
        copy >= newest - toIntervalHour(24), 'duplicate',
        reason = 'duplicate' AND copy IS NULL, 'no duplicate',
        time < newest - toIntervalHour(24), if(reason = 'duplicate', 'duplicate', 'late'),
        reason = 'late', 'not late',
        reason
    ) AS expected
FROM judged
WHERE found != expected
ORDER BY visitor, received, id
LIMIT {most:UInt32}
