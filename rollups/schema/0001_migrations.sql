-- What was done to this database: numbered schema files, and every rollup with the hash of its definition.
CREATE TABLE IF NOT EXISTS migrations {on_cluster}
(
    number UInt32,
    name String,
    hash String,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {replicated}MergeTree
ORDER BY (number, name, at)
SETTINGS {durable}
