-- Sessions that start in the range, by first touch and friction bucket, in the order of the answer, if that has at most
-- 1,000 rows; with more of them friction.sql tells which are `(other)`.
SELECT
    source,
    campaign,
    sumIf(sessions, value = 'bouncer') AS bouncer,
    sumIf(sessions, value = 'skimmer') AS skimmer,
    sumIf(sessions, value = 'hesitator') AS hesitator,
    sumIf(sessions, value = 'engaged') AS engaged,
    sum(sessions) AS total
FROM {rollup:trait}
WHERE kind = 'bucket'
GROUP BY source, campaign
HAVING total > 0
ORDER BY source = '(other)', sum(total) OVER (PARTITION BY source) DESC, source, campaign = '(other)', total DESC, campaign
LIMIT 1001
