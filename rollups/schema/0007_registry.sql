-- Accounts, keys and sites: one immutable row a revision, the latest of an id stands.
CREATE TABLE IF NOT EXISTS registry {on_cluster}
(
    kind LowCardinality(String),
    id String,
    revision UInt64,
    body String,
    at DateTime64(3, 'UTC')
)
ENGINE = {replicated}MergeTree
ORDER BY (kind, id, revision)
SETTINGS {window}, {durable}
