-- A row if a site has a session of a visitor.
SELECT 1 AS one
FROM {rollup:visitor}
WHERE visitor = {visitor:String} AND sessions > 0
LIMIT 1
