-- One row a partition, once.
INSERT INTO progress_new (log, partition, b, received_to, counts, batches, at)
SELECT log, partition, max(b), max(received_to), sumMap(CAST(counts, 'Map(String, UInt64)')), count(), max(batches_by_row.at)
FROM batches_by_row
WHERE (SELECT count() FROM progress_new) = 0
GROUP BY log, partition
