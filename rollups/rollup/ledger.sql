-- Every event of the log, filed at its receipt, by what became of it; reason '' = counted.
-- source: events
-- grain: quarter
-- key: reason
-- sum: events
SELECT site, received AS time, reason, copies AS events
FROM {source}
