-- Take the raw events that an erasure took back out of the table, together with the rows that took them back.
ALTER TABLE events DELETE
WHERE site = {site:String} AND (
    (
        visitor != '' AND cityHash64(visitor) = {hash:UInt64}
        AND (
            toUnixTimestamp64Milli(least(time, received)) <= {until:Int64}
            OR (log = {log:String} AND partition = {partition:UInt32} AND offset < {offset:UInt64})
        )
    )
    OR (copies < 0 AND endsWith(erasure, {own:String}))
)
