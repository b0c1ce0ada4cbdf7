-- A row if anything is kept of passes that were never committed, or that says which rows went of earlier ones.
SELECT 1 AS one
FROM kept
WHERE (site, pass) NOT IN (SELECT site, pass FROM retained)
    OR (rollup IN {kinds:Array(String)} AND (site, pass) NOT IN (SELECT site, max(pass) FROM retained GROUP BY site))
LIMIT 1
