-- A log that was found put back to an earlier state: it remembers the position `kept`, but is counted up to `counted`.
CREATE TABLE IF NOT EXISTS put_back {on_cluster}
(
    log LowCardinality(String),
    partition UInt32,
    kept UInt64,
    counted UInt64,
    at DateTime('UTC') DEFAULT now()
)
ENGINE = {replicated}MergeTree
ORDER BY (log, partition, counted)
SETTINGS {window}, {durable}
