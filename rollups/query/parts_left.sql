-- Those of some tables that keep files of parts which others took the place of before a moment (ms).
SELECT DISTINCT table
FROM system.parts
WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND NOT active
    AND remove_time <= fromUnixTimestamp64Milli({at:Int64})
ORDER BY table
