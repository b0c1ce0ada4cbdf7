-- `decided` was partitioned by the day of the server's clock, and a token holds within a partition of the table: a batch
-- decided at midnight could be decided twice. `batches` kept a row of every batch for ever. Both get successors of other
-- names (0010 to 0015). From this statement on no worker of before can decide or finish a batch, and what one still has
-- under way here nobody reads back, so nothing is built on it; workers of this version wait until the successors are there.
RENAME TABLE IF EXISTS decided TO decided_by_day, IF EXISTS batches TO batches_by_row {on_cluster}
