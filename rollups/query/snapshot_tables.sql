-- Tables with rows that last, and what they are ordered and cut by.
SELECT name, partition_key AS partition, primary_key AS primary, sorting_key AS sorting
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT IN {not:Array(String)}
ORDER BY name
