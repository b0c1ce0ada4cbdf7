-- Visitors who are to be erased, each until nothing of them lies anywhere; then its row goes too.
CREATE TABLE IF NOT EXISTS erasure {on_cluster}
(
    site LowCardinality(String),
    visitor String,
    erasure String,
    at DateTime64(3, 'UTC')
)
ENGINE = {replicated}MergeTree
ORDER BY (site, erasure)
SETTINGS {window}, {durable}
