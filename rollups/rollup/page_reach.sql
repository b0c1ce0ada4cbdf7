-- Sessions that saw a page, by first touch, filed at their start: a session counts once for each page it saw.
-- source: sessions
-- grain: day
-- reach: start
-- key: page, source, campaign
-- sum: sessions
SELECT site, start AS time, page, source, campaign, sign AS sessions
FROM {source}
ARRAY JOIN arrayDistinct(pv_page) AS page
