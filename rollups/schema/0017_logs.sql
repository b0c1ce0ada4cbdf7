-- How many partitions a log's visitors were placed by when it was first counted: the first row of a log stands.
CREATE TABLE IF NOT EXISTS logs {on_cluster}
(
    log LowCardinality(String),
    partitions UInt32,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {replicated}MergeTree
ORDER BY (log, at)
SETTINGS {window}, {durable}
