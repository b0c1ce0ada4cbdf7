-- Which lines of a batch lie in the raw events.
SELECT offset, `index` AS place
FROM events
WHERE
    log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64}
    AND received >= {first:DateTime64(3, 'UTC')} AND received <= {last:DateTime64(3, 'UTC')}
