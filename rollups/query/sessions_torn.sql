-- Takes away what lies there of a session of which two rows stand, or a retraction without its row: as parts of the
-- table were lost. Afterwards it is not there at all, and whoever judges its visitor writes it anew.
INSERT INTO sessions
SELECT * REPLACE (toInt8(-sign) AS sign)
FROM sessions
WHERE (site, visitor, start) IN
(
    SELECT site, visitor, start
    FROM
    (
        SELECT site, visitor, start, session, version, sum(sign) AS standing
        FROM sessions
        GROUP BY site, visitor, start, session, version
        HAVING standing != 0
    )
    GROUP BY site, visitor, start
    HAVING min(standing) < 0 OR sum(standing) > 1
)
