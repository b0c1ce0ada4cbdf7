-- Keys of the data of events of one type in the range, in order, `(other)` last: at most one more than an answer names.
SELECT key
FROM {rollup:data_key}
WHERE type = {type:String}
GROUP BY key
HAVING sum(events) > 0
ORDER BY key = '(other)', key
LIMIT 1001
SETTINGS max_threads = 1
