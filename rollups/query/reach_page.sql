-- Sessions that start in the range, by first touch: all of them, and those that saw the page `value`.
SELECT source, campaign, sum(sessions) AS total, sum(hits) AS reached
FROM (
    SELECT source, campaign, sessions, 0 AS hits
    FROM {rollup:friction}
    UNION ALL
    SELECT source, campaign, 0 AS sessions, sessions AS hits
    FROM {rollup:page_reach}
    WHERE page = {value:String}
)
GROUP BY source, campaign
HAVING total > 0
