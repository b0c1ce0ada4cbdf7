-- Sessions that start in the range, by first touch: all of them, and those with a custom event of the type `value`.
SELECT source, campaign, sum(total) AS total, sum(reached) AS reached
FROM (
    SELECT source, campaign, sessions AS total, 0 AS reached
    FROM {rollup:friction}
    UNION ALL
    SELECT source, campaign, 0 AS total, sessions AS reached
    FROM {rollup:event_reach}
    WHERE type = {value:String}
)
GROUP BY source, campaign
HAVING total > 0
