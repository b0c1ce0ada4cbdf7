-- Forget what was decided in the batches that begin before their partition's `position`; that they were decided stays.
ALTER TABLE decision UPDATE blob = ''
WHERE blob != '' AND arrayExists(
    (name, number, position) -> log = name AND partition = number AND a < position,
    {logs:Array(String)},
    {partitions:Array(UInt32)},
    {positions:Array(UInt64)}
)
