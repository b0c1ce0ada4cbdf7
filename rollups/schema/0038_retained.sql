-- What is gone of sites by their setting `retention`: no event before `events` counts any more, and raw events before it, and
-- session rows that end before `sessions`, are taken away. `state`: kept (what rollups hold of them is kept: nothing is left
-- but to delete them), done. Passes follow one another by their names.
CREATE TABLE IF NOT EXISTS retained {on_cluster}
(
    site LowCardinality(String),
    pass String,
    events DateTime64(3, 'UTC'),
    sessions DateTime64(3, 'UTC'),
    state LowCardinality(String),
    at DateTime64(3, 'UTC')
)
ENGINE = {replicated}MergeTree
ORDER BY (site, at)
SETTINGS {window}, {durable}
