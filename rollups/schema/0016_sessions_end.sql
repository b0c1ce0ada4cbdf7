-- By it the rows that reach into a span are found: a passive tail may end a session days after its start.
ALTER TABLE sessions {on_cluster} ADD INDEX IF NOT EXISTS end_range end TYPE minmax GRANULARITY 1
