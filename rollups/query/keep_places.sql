-- Writes down, of a pass, up to where every partition of every log is counted: what comes later does not go with it.
INSERT INTO kept (site, pass, rollup, time, row)
SELECT
    {site:String},
    {pass:String},
    {kind:String},
    fromUnixTimestamp64Milli(0, 'UTC'),
    map('place', concat(log, '/', toString(partition)), 'position', toString(max(b)))
FROM progress
GROUP BY log, partition
