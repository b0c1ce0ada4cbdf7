-- Every line of the event log that names a site, counted or not: what a rebuild folds and verify recomputes from.
CREATE TABLE IF NOT EXISTS events {on_cluster}
(
    site LowCardinality(String),
    visitor String,
    id String,
    type LowCardinality(String),
    time DateTime64(3, 'UTC'),
    received DateTime64(3, 'UTC'),
    seq Int64,
    view String,
    url String,
    page String,
    referrer String,
    title String,
    source LowCardinality(String),
    campaign String,
    country LowCardinality(String),
    device LowCardinality(String),
    browser LowCardinality(String),
    os LowCardinality(String),
    screen_width Int32,
    screen_height Int32,
    data String,
    scroll Nullable(Int32),
    engaged_ms Nullable(Int64),
    amount Nullable(Decimal(18, 4)),
    currency LowCardinality(String),
    transaction String,
    settings UInt64,
    reason LowCardinality(String),
    hash UInt32,
    log LowCardinality(String),
    partition UInt32,
    offset UInt64,
    `index` UInt32,
    INDEX received_range received TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (site, toStartOfHour(time), visitor, time)
SETTINGS {window}, {durable}
