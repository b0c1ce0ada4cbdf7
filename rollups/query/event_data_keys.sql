-- Keys of the data of events of one type in the range, in order; past 1,000 the last one is `(other)`.
WITH (
    SELECT groupArray(key)
    FROM (
        SELECT key
        FROM {rollup:data_key}
        WHERE type = {type:String}
        GROUP BY key
        HAVING sum(events) > 0
        ORDER BY key = '(other)', key
        LIMIT 1001
    )
) AS keys
SELECT arrayJoin(if(length(keys) > 1000, arrayPushBack(arraySlice(keys, 1, 999), '(other)'), keys)) AS key
