-- Columns of all tables of a database, in their order, but for those that follow from others.
SELECT table, name, type
FROM system.columns
WHERE database = {database:String} AND default_kind != 'MATERIALIZED'
ORDER BY table, position
