-- The disks of the server: their bytes, and those that are free.
SELECT name, total_space AS total, free_space AS free
FROM system.disks
ORDER BY name
