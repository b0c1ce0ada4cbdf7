-- Sessions that start in the range, by first touch: all of them, and those that saw the page or held a custom event of
-- the type `value`, as `metric` says; in the order of the answer, if that has at most 1,000 rows, else see reach.sql.
SELECT
    source,
    campaign,
    sumIf(sessions, kind = 'bucket') AS total,
    sumIf(sessions, kind = {metric:String}) AS reached
FROM {rollup:trait}
WHERE kind = 'bucket' OR (kind = {metric:String} AND value = {value:String})
GROUP BY source, campaign
HAVING total > 0
ORDER BY source = '(other)', sum(total) OVER (PARTITION BY source) DESC, source, campaign = '(other)', total DESC, campaign
LIMIT 1001
