-- How many visitors a site ever had.
SELECT uniqExact(visitor) AS visitors
FROM events
WHERE site = {site:String} AND visitor != ''
