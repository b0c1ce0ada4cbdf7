-- Tables whose parts are being written anew, because rows were removed.
SELECT DISTINCT table
FROM system.mutations
WHERE database = currentDatabase() AND NOT is_done
ORDER BY table
