-- Sessions that start in the range, by first touch: all of them, and those that saw the page or held a custom event of
-- the type `value`, as `metric` says. Ordered and bounded as in friction.sql; first ask reach_few.sql.
WITH
    (
        SELECT groupArray(source)
        FROM (
            SELECT source, sum(sessions) AS total
            FROM {rollup:trait.reached}
            WHERE kind = 'bucket'
            GROUP BY source
            HAVING total > 0
            ORDER BY source = '(other)', total DESC, source
            LIMIT 1001
        )
    ) AS largest,
    (SELECT if(length(largest) > 1000, arraySlice(largest, 1, 999), largest)) AS named,
    pairs AS (
        SELECT
            if(source IN (SELECT arrayJoin(named)), source, '(other)') AS shown,
            campaign,
            sumIf(sessions, kind = 'bucket') AS total,
            sumIf(sessions, kind = {metric:String}) AS reached
        FROM {rollup:trait.reached}
        WHERE kind = 'bucket' OR (kind = {metric:String} AND value = {value:String})
        GROUP BY shown, campaign
        HAVING total > 0
    ),
    ranked AS (
        SELECT
            shown,
            sum(total) AS of_shown,
            groupArray((campaign = '(other)', -total, campaign, reached)) AS every,
            arrayPartialSort(1000, every) AS campaigns,
            length(every) AS count,
            sumForEach(arrayWithConstant(least(count, 1000), 1)) OVER () AS sources_as_deep,
            arrayCount(rows -> rows <= 10000, arrayCumSum(sources_as_deep)) AS depth
        FROM pairs
        GROUP BY shown
    )
SELECT
    shown AS source,
    if(count <= depth OR place < depth, each.3, '(other)') AS campaign,
    -sum(each.2) AS total,
    sum(each.4) AS reached
FROM ranked
ARRAY JOIN campaigns AS each, arrayEnumerate(campaigns) AS place
GROUP BY of_shown, source, campaign
ORDER BY source = '(other)', of_shown DESC, source, min(place)
