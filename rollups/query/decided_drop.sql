-- Drop the batches that begin before their partition's `position` and were decided before `before`.
ALTER TABLE decision DELETE
WHERE at < {before:DateTime('UTC')} AND arrayExists(
    (name, number, position) -> log = name AND partition = number AND a < position,
    {logs:Array(String)},
    {partitions:Array(UInt32)},
    {positions:Array(UInt64)}
)
