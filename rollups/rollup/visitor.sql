-- Visitors: a visitor's span only ever grows, so first and last seen need no sign.
-- source: sessions
-- grain: none
-- key: visitor
-- min: first_seen
-- max: last_seen
-- sum: sessions, events
SELECT
    site,
    visitor,
    start AS first_seen,
    end AS last_seen,
    sign AS sessions,
    sign * toInt64(events) AS events
FROM {source}
