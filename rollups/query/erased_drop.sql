-- Forget whom the lines of a batch erased.
ALTER TABLE erased DELETE
WHERE log = {log:String} AND partition = {partition:UInt32} AND offset >= {a:UInt64} AND offset < {b:UInt64}
