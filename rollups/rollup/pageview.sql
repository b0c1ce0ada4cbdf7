-- Counted pageviews by page, filed at their own time.
-- source: events
-- grain: day
-- key: page
-- sum: views
SELECT site, time, page, 1 AS views
FROM {source}
WHERE reason = '' AND type = 'pageview'
