-- Every visitor a site ever had, with its hash and the number of its counted events.
SELECT visitor, hash, countIf(reason = '') AS counted
FROM events
WHERE site = {site:String} AND visitor != ''
GROUP BY visitor, hash
HAVING counted > 0
ORDER BY hash, visitor
