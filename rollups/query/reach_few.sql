-- Sessions that start in the range, by first touch: all of them (kind bucket), and those that saw the page or held a custom
-- event of the type `value`, as `metric` says (that kind); if these are at most 2,000 rows, else see reach.sql.
SELECT source, campaign, kind, sum(sessions) AS count
FROM {rollup:trait.reached}
WHERE kind = 'bucket' OR (kind = {metric:String} AND value = {value:String})
GROUP BY source, campaign, kind
HAVING count > 0
LIMIT 2001
SETTINGS max_threads = 1
