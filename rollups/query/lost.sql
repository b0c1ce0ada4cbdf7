-- Those of the tables that are not there, of what this database was set up with.
SELECT made.1 AS name
FROM (SELECT arrayJoin(arrayZip({names:Array(String)}, {numbers:Array(UInt32)})) AS made)
WHERE made.1 NOT IN (SELECT name FROM system.tables WHERE database = currentDatabase())
    AND made.2 IN (SELECT number FROM migrations)
ORDER BY name
