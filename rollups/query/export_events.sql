-- The raw events of a visitor, whatever became of them, in order of their times; the next `most` after one.
SELECT *
FROM events
WHERE
    site = {site:String}
    AND time >= {after_time:DateTime64(3,'UTC')}
    AND visitor = {visitor:String}
    AND (time, log, partition, offset, index) > (
        {after_time:DateTime64(3,'UTC')}, {after_log:String}, {after_partition:UInt32}, {after_offset:UInt64}, {after_index:UInt32}
    )
ORDER BY time, log, partition, offset, index
LIMIT {most:UInt32}
