-- One session of a visitor: its span, and the depths of its pageviews in order.
SELECT
    toUnixTimestamp64Milli(start) AS started,
    toUnixTimestamp64Milli(end) AS ended,
    pv_depth
FROM sessions
WHERE site = {site:String} AND visitor = {visitor:String} AND session = {session:String}
GROUP BY ALL
HAVING sum(sign) > 0
