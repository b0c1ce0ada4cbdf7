-- How far the batches of every partition of every log are finished: each adds a row, which is its marker and says that
-- everything up to `b` is inserted; merges leave one row a partition. `batches` only grows, so it tells states apart.
CREATE TABLE IF NOT EXISTS progress_new {on_cluster}
(
    log LowCardinality(String),
    partition UInt32,
    b SimpleAggregateFunction(max, UInt64),
    received_to SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    counts SimpleAggregateFunction(sumMap, Map(String, UInt64)),
    batches SimpleAggregateFunction(sum, UInt64) DEFAULT 1,
    at SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now()
)
ENGINE = {replicated}AggregatingMergeTree
ORDER BY (log, partition)
SETTINGS {window}, {durable}
