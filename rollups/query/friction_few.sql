-- Sessions that start in the range, by first touch and friction bucket (`value`), if these are at most 4,000 rows; with more
-- of them friction.sql tells which are `(other)`.
SELECT source, campaign, value, sum(sessions) AS count
FROM {rollup:trait.bucket}
WHERE kind = 'bucket'
GROUP BY source, campaign, value
HAVING count > 0
LIMIT 4001
SETTINGS max_threads = 1
