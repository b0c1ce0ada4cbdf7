-- Of each table of this database: parts, their bytes, those of parts that others took the place of and that are not
-- deleted yet, and whether its rows are of sites.
SELECT
    table,
    countIf(active) AS parts,
    sumIf(bytes_on_disk, active) AS bytes,
    sumIf(bytes_on_disk, NOT active) AS inactive,
    table IN (SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'site') AS of_sites
FROM system.parts
WHERE database = currentDatabase()
GROUP BY table
ORDER BY table
