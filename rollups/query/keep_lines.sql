-- Writes down how many lines go of which log and partition, by what became of them.
INSERT INTO kept (site, pass, rollup, time, row)
SELECT
    {site:String},
    {pass:String},
    {kind:String},
    fromUnixTimestamp64Milli(0, 'UTC'),
    map('log', toString(log), 'partition', toString(partition), 'kind', toString(kind), 'lines', toString(sum(copies)))
FROM (SELECT log, partition, if(reason = '', 'counted', toString(reason)) AS kind, copies FROM {gone})
GROUP BY log, partition, kind
