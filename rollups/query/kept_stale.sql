-- Passes of which something is kept to no purpose: that were never committed (all of it), or that others of their site have
-- followed (what says which rows went, `kinds`).
SELECT pass, (site, pass) IN (SELECT site, pass FROM retained) AS committed
FROM kept
WHERE (site, pass) NOT IN (SELECT site, pass FROM retained)
    OR (rollup IN {kinds:Array(String)} AND (site, pass) NOT IN (SELECT site, max(pass) FROM retained GROUP BY site))
GROUP BY pass, committed
