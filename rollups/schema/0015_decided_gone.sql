-- What 0009 put aside.
DROP TABLE IF EXISTS decided_by_day, batches_by_row {on_cluster}
