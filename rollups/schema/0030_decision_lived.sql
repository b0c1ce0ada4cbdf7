-- A worker of before would retract a session that one of this version wrote without the columns of 0029: what is left would
-- stand for ever. From this statement on it can decide nothing, nor this version's before it.
ALTER TABLE decision {on_cluster} RENAME COLUMN IF EXISTS life TO lived
