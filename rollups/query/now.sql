-- Visitors with an event since `since`: how many, the pageviews since then, and how many of them are on which page (that of
-- their last pageview; '' before the first) and came from which source.
SELECT
    count() AS visitors,
    sum(views) AS pageviews,
    sumMap([page], [toUInt64(1)]) AS pages,
    sumMap([source], [toUInt64(1)]) AS sources
FROM (
    SELECT
        visitor,
        argMax(page, (end, start)) AS page,
        argMax(source, (end, start)) AS source,
        sum(views) AS views
    FROM (
        SELECT
            visitor,
            start,
            end,
            ifNull(exit_page, '') AS page,
            source,
            arrayCount(each -> each >= {since:DateTime64(3,'UTC')}, pv_time) AS views
        FROM sessions
        WHERE site = {site:String} AND end >= {since:DateTime64(3,'UTC')} {selected}
        GROUP BY visitor, session, start, end, page, source, views
        HAVING sum(sign) > 0
    )
    GROUP BY visitor
)
