-- Who may change the schema of a live system: claims, their heartbeats and their end. Server time, so that clocks agree.
CREATE TABLE IF NOT EXISTS control {on_cluster}
(
    epoch UInt64,
    nonce String,
    phase LowCardinality(String),
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {replicated}MergeTree
ORDER BY (epoch, at)
SETTINGS {window}, {durable}
