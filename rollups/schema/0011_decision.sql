-- One row a batch: what it is for ever. Not partitioned, so that a token meets the same partition whenever it comes. What
-- is finished goes after a week (sweep.py); a TTL would drop an unfinished one too.
CREATE TABLE IF NOT EXISTS decision_new {on_cluster}
(
    log LowCardinality(String),
    partition UInt32,
    a UInt64,
    b UInt64,
    nonce String,
    blob String CODEC(ZSTD(1)),
    at DateTime('UTC') DEFAULT now()
)
ENGINE = {replicated}MergeTree
ORDER BY (log, partition, a)
SETTINGS {window}, {durable}
