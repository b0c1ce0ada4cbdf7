-- Keys of the data of counted events, by type, filed at the event's own time: leaves only, nested keys joined by dots.
-- Each turn of the fold opens one level of objects; an array is a leaf, an empty object has none.
-- source: events
-- grain: day
-- key: type, key
-- sum: events
SELECT
    site,
    time,
    type,
    key,
    1 AS events
FROM {source}
ARRAY JOIN arrayDistinct(arrayMap(
    leaf -> leaf.1,
    arrayFilter(
        leaf -> NOT startsWith(leaf.2, '{'),
        arrayFold(
            (found, level) -> arrayFlatten(arrayMap(
                leaf -> if(
                    startsWith(leaf.2, '{'),
                    arrayMap(
                        child -> (if(level = 0, child.1, concat(leaf.1, '.', child.1)), child.2),
                        JSONExtractKeysAndValuesRaw(leaf.2)
                    ),
                    [leaf]
                ),
                found
            )),
            range(countSubstrings(data, '{')),
            [('', data)]
        )
    )
)) AS key
WHERE reason = '' AND data != ''
