-- What is gone of sites by their setting `retention`: no event before `events` counts any more, and raw events, and session
-- rows that end before `sessions`, are taken away, `state` by `state`: begun, kept (nothing is left but to delete), done.
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
