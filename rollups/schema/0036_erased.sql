-- Who was erased, by a keyed hash that leads back to nobody: what they did up to `until`, and what lies before `offset` of
-- that log, does not count, whenever it comes again.
CREATE TABLE IF NOT EXISTS erased {on_cluster}
(
    site LowCardinality(String),
    digest String,
    until DateTime64(3, 'UTC'),
    log LowCardinality(String),
    partition UInt32,
    offset UInt64,
    erasure String
)
ENGINE = {replicated}MergeTree
ORDER BY (site, digest, until)
SETTINGS {window}, {durable}
