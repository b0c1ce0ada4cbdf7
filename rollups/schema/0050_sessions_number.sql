-- The visitor's 16 hex digits as the number they are: distinct visitors are counted by it in two thirds of the time. Rows of
-- before have it by its expression, until they are merged.
ALTER TABLE sessions {on_cluster}
    ADD COLUMN IF NOT EXISTS number UInt64 MATERIALIZED reinterpretAsUInt64(unhex(visitor))
