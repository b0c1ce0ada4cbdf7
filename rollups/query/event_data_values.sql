-- What the data of counted events of one type holds at one key, as text, most often first: an array's elements each, once an
-- event. Sessions are those that the events lie in. What an erasure took out may still lie among the events.
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
    value,
    count() AS count,
    uniqExact(session) AS sessions,
    count() OVER () AS total_rows
FROM (
    SELECT
        visitor,
        time,
        {leaf_of_data} AS leaf,
        arrayJoin(arrayDistinct(arrayMap(
            raw -> if(startsWith(raw, '"'), JSONExtractString(concat('[', raw, ']'), 1), raw),
            if(startsWith(leaf, '['), JSONExtractArrayRaw(leaf), [leaf])
        ))) AS value
    FROM events
    WHERE site = {site:String} AND time >= {from:DateTime64(3,'UTC')} AND time < {to:DateTime64(3,'UTC')}
        AND type = {type:String} AND reason = '' AND erasure = '' AND has(keys, {key:String})
        AND (NOT mapContains(erasing, visitor) OR least(time, received) > erasing[visitor])
) AS happened
ASOF LEFT JOIN (
    SELECT visitor, session, start
    FROM sessions
    WHERE site = {site:String} AND start >= {from_reach:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
    GROUP BY visitor, session, start
    HAVING sum(sign) > 0
) AS begun ON happened.visitor = begun.visitor AND happened.time >= begun.start
GROUP BY value
ORDER BY count DESC, value
LIMIT {limit:UInt32}
