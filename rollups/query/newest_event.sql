-- The time of the newest event, ms; 0 where there is none. Answered by the parts' own bounds.
SELECT toUnixTimestamp64Milli(max(time)) AS newest
FROM events
