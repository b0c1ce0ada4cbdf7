-- Every rollup that this database knows of: the definition it was last built from, whether its table and view are there.
-- Beside what was recorded, any view that is named as ours are and writes where ours do.
WITH there AS
(
    SELECT name, engine, create_table_query AS made
    FROM system.tables
    WHERE database = currentDatabase()
)
SELECT
    base AS name,
    max(hash) AS hash,
    base IN (SELECT name FROM there WHERE engine LIKE '%AggregatingMergeTree') AS has_table,
    concat(base, '_view') IN (SELECT name FROM there WHERE engine = 'MaterializedView') AS has_view
FROM
(
    SELECT substring(name, length('rollup ') + 1) AS base, argMax(migrations.hash, at) AS hash
    FROM migrations
    WHERE number = 0 AND startsWith(name, 'rollup ')
    GROUP BY name
    UNION ALL
    SELECT substring(name, 1, length(name) - length('_view')) AS base, '' AS hash
    FROM there
    WHERE engine = 'MaterializedView' AND endsWith(name, '_view')
        AND position(replaceAll(made, '`', ''), concat(' TO ', currentDatabase(), '.', base, ' ')) > 0
)
GROUP BY base
ORDER BY base
