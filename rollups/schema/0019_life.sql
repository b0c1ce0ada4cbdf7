-- One id for each start of the server, put there by whoever asks first: a restart empties the table. What ClickHouse
-- remembered of tokens before is not believed after one: a power cut takes tokens whose rows it leaves. On replicas tokens
-- live in Keeper, and so does the id, for ever.
CREATE TABLE IF NOT EXISTS life {on_cluster}
(
    id String
)
ENGINE = {life}
