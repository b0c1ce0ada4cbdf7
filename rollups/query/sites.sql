-- Visitors, sessions and interactive events of each of `sites`, over all time.
SELECT
    site,
    count() AS visitors,
    sum(visits) AS sessions,
    sum(actions) AS events
FROM (
    SELECT site, visitor, sum(sessions) AS visits, sum(events) AS actions
    FROM visitor
    WHERE site IN {sites:Array(String)}
    GROUP BY site, visitor
    HAVING visits > 0
)
GROUP BY site
