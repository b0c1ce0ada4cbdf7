-- Parts of our tables that are set aside: broken ones by the server as it started, others by `throughline repair`. Not one
-- whose every block lies in parts that are there: a merge that broke, of which the server then read the sources again.
WITH aside AS
(
    SELECT table, name, bytes_on_disk AS bytes, partition_id, min_block_number AS first, max_block_number AS last
    FROM system.detached_parts
    WHERE database = currentDatabase() AND (reason IN ('', 'unexpected') OR startsWith(reason, 'broken'))
)
SELECT table, name, any(aside.bytes) AS bytes
FROM aside
LEFT JOIN
(
    SELECT table, partition_id, min_block_number AS begin, max_block_number AS end, end - begin + 1 AS blocks
    FROM system.parts
    WHERE database = currentDatabase() AND active
) AS there USING (table, partition_id)
GROUP BY table, name, first, last
HAVING sumIf(blocks, begin >= first AND end <= last) != last - first + 1
ORDER BY table, name
