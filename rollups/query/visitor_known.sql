-- A row if a site has a session of a visitor.
SELECT 1 AS one
FROM visitor
WHERE site = {site:String} AND visitor = {visitor:String}
HAVING sum(sessions) > 0
