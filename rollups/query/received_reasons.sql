-- What became of the events of a site that were received at one moment: those of one import.
SELECT reason, count() AS events
FROM events
WHERE site = {site:String} AND received = {at:DateTime64(3, 'UTC')} AND (visitor != '' OR reason IN ('erased', 'late'))
GROUP BY reason
