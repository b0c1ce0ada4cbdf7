-- Sessions that start in the range, by first touch and friction bucket, in the order of the answer and bounded: sources
-- past 1,000 and campaigns of a source past `depth` are `(other)`, always last. `depth` is the same for all sources: as
-- many campaigns as make 10,000 rows together, at most 1,000 (so never fewer than 10). Where friction_few.sql finds few,
-- those are the answer.
WITH
    (
        SELECT groupArray(source)
        FROM (
            SELECT source, sum(sessions) AS total
            FROM {rollup:trait.bucket}
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
            sumIf(sessions, value = 'bouncer') AS bouncer,
            sumIf(sessions, value = 'skimmer') AS skimmer,
            sumIf(sessions, value = 'hesitator') AS hesitator,
            sumIf(sessions, value = 'engaged') AS engaged,
            bouncer + skimmer + hesitator + engaged AS total
        FROM {rollup:trait.bucket}
        WHERE kind = 'bucket'
        GROUP BY shown, campaign
        HAVING total > 0
    ),
    ranked AS (
        SELECT
            shown,
            sum(total) AS of_shown,
            groupArray((campaign = '(other)', -total, campaign, bouncer, skimmer, hesitator, engaged)) AS every,
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
    sum(each.4) AS bouncer,
    sum(each.5) AS skimmer,
    sum(each.6) AS hesitator,
    sum(each.7) AS engaged
FROM ranked
ARRAY JOIN campaigns AS each, arrayEnumerate(campaigns) AS place
GROUP BY of_shown, source, campaign
ORDER BY source = '(other)', of_shown DESC, source, min(place)
