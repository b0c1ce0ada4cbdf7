-- A row if a site has a raw event of a visitor.
SELECT 1 AS one
FROM events
WHERE site = {site:String} AND visitor = {visitor:String}
LIMIT 1
