-- Sites and times whose rollups may be off, because a batch was finished by looking at its rows instead of by its tokens.
-- Emptied once every rollup there is made equal to its source again.
CREATE TABLE IF NOT EXISTS doubt {on_cluster}
(
    site String,
    first DateTime64(3, 'UTC'),
    last DateTime64(3, 'UTC'),
    at DateTime('UTC') DEFAULT now()
)
ENGINE = {replicated}MergeTree
ORDER BY (site, first)
SETTINGS {window}, {durable}
