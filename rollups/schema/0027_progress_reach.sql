-- How far a worker saw the log reach when it decided: a log that ends before was put back, though it holds all that counts.
ALTER TABLE progress {on_cluster} ADD COLUMN IF NOT EXISTS reach SimpleAggregateFunction(max, UInt64)
