-- One marker a finished batch: everything of [a, b) is inserted.
CREATE TABLE IF NOT EXISTS batches {on_cluster}
(
    log LowCardinality(String),
    partition UInt32,
    a UInt64,
    b UInt64,
    received_to DateTime64(3, 'UTC'),
    counts Map(LowCardinality(String), UInt64),
    at DateTime('UTC') DEFAULT now()
)
ENGINE = {replicated}MergeTree
ORDER BY (log, partition, a)
SETTINGS {window}, {durable}
