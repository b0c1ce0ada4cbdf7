-- What is kept of rows that a pass takes away: of every rollup their grouped facts, each column as text, so that another
-- definition finds what it needs; of lines how many of which log; and what says which rows go (`rollups.kept`).
CREATE TABLE IF NOT EXISTS kept {on_cluster}
(
    site LowCardinality(String),
    pass String,
    rollup LowCardinality(String),
    time DateTime64(3, 'UTC'),
    row Map(LowCardinality(String), String)
)
ENGINE = {replicated}MergeTree
ORDER BY (site, rollup, time)
SETTINGS {window}, {durable}
