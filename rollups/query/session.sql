-- One session of a visitor: its span, and what tells its interactive events from those of another session.
SELECT
    toUnixTimestamp64Milli(start) AS started,
    toUnixTimestamp64Milli(end) AS ended,
    pv_page,
    arrayMap(time -> toUnixTimestamp64Milli(time), pv_time) AS pv_time,
    pv_depth,
    ev_type,
    arrayMap(time -> toUnixTimestamp64Milli(time), ev_time) AS ev_time,
    ev_seq
FROM sessions
WHERE site = {site:String} AND visitor = {visitor:String} AND session = {session:String}
GROUP BY ALL
HAVING sum(sign) > 0
