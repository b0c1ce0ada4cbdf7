-- The sessions of a visitor in order; the next `most` that start after a moment.
SELECT * EXCEPT (sign, version)
FROM sessions FINAL
WHERE site = {site:String} AND start > {since:DateTime64(3,'UTC')} AND visitor = {visitor:String}
ORDER BY start
LIMIT {most:UInt32}
