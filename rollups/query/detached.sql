-- Whether any part of a table of ours is set aside. To look at all parts that there are is dear where there are many tables.
SELECT 1
FROM system.detached_parts
WHERE database = currentDatabase()
LIMIT 1
