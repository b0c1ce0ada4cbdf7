-- Tables that hold rows of sites, and whether an earlier removal is still at work in one of them.
SELECT
    table,
    (SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done) > 0 AS busy
FROM system.columns
WHERE
    database = currentDatabase()
    AND name = 'site'
    AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
ORDER BY table
