-- Of the event that says the source; '' in rows of before, until `rebuild` writes them anew. Without expressions, so that
-- whoever retracts such a row, and knows it from wherever, writes the same.
ALTER TABLE sessions {on_cluster}
    ADD COLUMN IF NOT EXISTS medium LowCardinality(String),
    ADD COLUMN IF NOT EXISTS term String,
    ADD COLUMN IF NOT EXISTS content String,
    ADD COLUMN IF NOT EXISTS channel LowCardinality(String),
    ADD COLUMN IF NOT EXISTS hostname LowCardinality(String),
    ADD COLUMN IF NOT EXISTS region LowCardinality(String),
    ADD COLUMN IF NOT EXISTS city LowCardinality(String)
