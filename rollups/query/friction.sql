-- Sessions that start in the range, by first touch and friction bucket.
SELECT source, campaign, bucket, sum(sessions) AS sessions
FROM {rollup:friction}
GROUP BY source, campaign, bucket
HAVING sessions > 0
