-- Takes what `kept_stale` finds out of the table.
ALTER TABLE kept DELETE
WHERE (site, pass) NOT IN (SELECT site, pass FROM retained)
    OR (rollup IN {kinds:Array(String)} AND (site, pass) NOT IN (SELECT site, max(pass) FROM retained GROUP BY site))
