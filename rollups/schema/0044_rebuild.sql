-- Rebuilds that were asked for on the pages or by the API, and how far each is: the row with the highest step stands.
CREATE TABLE IF NOT EXISTS rebuild {on_cluster}
(
    site LowCardinality(String),
    at DateTime64(3, 'UTC'),
    rebuild String,
    revision UInt64,
    state LowCardinality(String),
    step UInt64,
    done UInt64,
    visitors UInt64
)
ENGINE = {replicated}ReplacingMergeTree(step)
ORDER BY (site, at, rebuild)
SETTINGS {window}, {durable}
