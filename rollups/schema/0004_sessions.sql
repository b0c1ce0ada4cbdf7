-- Signed session rows: read with sum(sign). `version` only pairs a row with its retraction.
CREATE TABLE IF NOT EXISTS sessions {on_cluster}
(
    site LowCardinality(String),
    visitor String,
    session String,
    start DateTime64(3, 'UTC'),
    end DateTime64(3, 'UTC'),
    source LowCardinality(String),
    campaign String,
    country LowCardinality(String),
    device LowCardinality(String),
    browser LowCardinality(String),
    os LowCardinality(String),
    entry_page Nullable(String),
    exit_page Nullable(String),
    pageviews UInt32,
    events UInt32,
    engaged_ms Nullable(Int64),
    bucket LowCardinality(String),
    settings UInt64,
    pv_page Array(String),
    pv_time Array(DateTime64(3, 'UTC')),
    pv_depth Array(Int32),
    pv_engaged_ms Array(Int64),
    ev_type Array(LowCardinality(String)),
    ev_time Array(DateTime64(3, 'UTC')),
    ev_seq Array(Int64),
    tx_transaction Array(String),
    tx_time Array(DateTime64(3, 'UTC')),
    tx_seq Array(Int64),
    tx_event Array(String),
    tx_type Array(LowCardinality(String)),
    tx_amount Array(Decimal(18, 4)),
    tx_currency Array(LowCardinality(String)),
    hash UInt32,
    sign Int8,
    version UInt64,
    INDEX visitor_bloom visitor TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {replicated}VersionedCollapsingMergeTree(sign, version)
PARTITION BY toYYYYMM(start)
ORDER BY (site, start, visitor, session)
SETTINGS {window}, {durable}
