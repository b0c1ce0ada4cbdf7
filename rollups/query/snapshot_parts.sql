-- Parts of all tables of a database; month: YYYYMM, 'all' of a table without.
SELECT table, partition_id AS month, name, rows, data_uncompressed_bytes AS bytes, hash_of_uncompressed_files AS hash
FROM system.parts
WHERE database = {database:String} AND active
ORDER BY table, month, name
