-- The remembered visitors of one chunk of a partition: their newest receipt, the receipt their memory begins with (after
-- the last silence of over 25 h), their newest counted event. Stands as {live} in the other memory queries.
SELECT
    site, visitor, hash, receipts[-1] AS last,
    arrayMax(arrayMap((at, silence) -> if(silence > {forget:Int64}, at, 0), receipts, arrayDifference(receipts))) AS begin,
    arrayMax(arrayMap(line -> if(line.1 >= begin, line.2, 0), counted)) AS newest
FROM
(
    SELECT
        site, visitor, hash,
        arraySort(groupUniqArray(toUnixTimestamp64Milli(received))) AS receipts,
        groupArrayIf((toUnixTimestamp64Milli(received), toUnixTimestamp64Milli(time)), reason = '') AS counted
    FROM events
    WHERE hash % {partitions:UInt32} = {partition:UInt32}
        AND intDiv(hash, {partitions:UInt32}) % {chunks:UInt32} = {chunk:UInt32}
        AND visitor != ''
        AND NOT (log = {log:String} AND partition = {partition:UInt32} AND offset >= {before:UInt64})
        AND (site, visitor) IN
        (
            SELECT site, visitor
            FROM events
            WHERE received >= fromUnixTimestamp64Milli({alive:Int64}, 'UTC')
                AND hash % {partitions:UInt32} = {partition:UInt32}
                AND intDiv(hash, {partitions:UInt32}) % {chunks:UInt32} = {chunk:UInt32}
                AND NOT (log = {log:String} AND partition = {partition:UInt32} AND offset >= {before:UInt64})
        )
    GROUP BY site, visitor, hash
)
WHERE notEmpty(counted)
