-- One row a batch: what it is for ever. Days whose batches all have their marker are dropped after a week (sweep.py); a
-- TTL would drop an unfinished one too, whose replay could then differ from what was already inserted.
CREATE TABLE IF NOT EXISTS decided {on_cluster}
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
PARTITION BY toYYYYMMDD(at)
ORDER BY (log, partition, a)
SETTINGS {window}, {durable}
