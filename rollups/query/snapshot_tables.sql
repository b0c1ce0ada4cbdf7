-- Tables with rows that last, and their engines with keys and settings.
SELECT name, engine_full AS made
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT IN {not:Array(String)}
ORDER BY name
