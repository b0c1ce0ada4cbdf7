-- Parts of our tables that are set aside: broken ones by the server as it started, others by `throughline repair`.
SELECT table, name, bytes_on_disk AS bytes
FROM system.detached_parts
WHERE database = currentDatabase() AND (reason IN ('', 'unexpected') OR startsWith(reason, 'broken'))
ORDER BY table, name
