-- Sessions by first touch and friction bucket, filed at their start; without the bucket, also sources and campaigns.
-- source: sessions
-- grain: day
-- reach: start
-- key: source, campaign, bucket
-- sum: sessions
SELECT site, start AS time, source, campaign, bucket, sign AS sessions
FROM {source}
