-- How many rows lie in each table.
SELECT table, sum(rows) AS rows
FROM system.parts
WHERE database = currentDatabase() AND active
GROUP BY table
ORDER BY table
