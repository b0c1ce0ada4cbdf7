-- Those of the tables that are not there, of a database that was set up once; of another one nothing is missed.
SELECT name
FROM (SELECT arrayJoin({tables:Array(String)}) AS name)
WHERE name NOT IN (SELECT name FROM system.tables WHERE database = currentDatabase())
    AND 'migrations' IN (SELECT name FROM system.tables WHERE database = currentDatabase())
ORDER BY name
