-- Sessions by device, filed at their start.
-- source: sessions
-- grain: day
-- reach: start
-- key: device
-- sum: sessions
SELECT site, start AS time, device, sign AS sessions
FROM {source}
