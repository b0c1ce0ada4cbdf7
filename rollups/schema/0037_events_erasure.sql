-- Rows that say of how many erased events they are, without saying whose: `copies` of reason 'erased', and, while the events
-- themselves still lie there, as many fewer of the reason that they had. `erasure`: by which batch and
-- wish; '' of any other row.
ALTER TABLE events {on_cluster}
    ADD COLUMN IF NOT EXISTS copies Int32 DEFAULT 1,
    ADD COLUMN IF NOT EXISTS erasure LowCardinality(String)
