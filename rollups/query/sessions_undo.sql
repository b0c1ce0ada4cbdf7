-- Takes away the session rows that one batch wrote.
INSERT INTO sessions
SELECT * REPLACE (toInt8(-sign) AS sign)
FROM sessions
WHERE version = {version:UInt64}
