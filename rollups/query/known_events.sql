-- Which of the ids that an import is about to send lie in the raw events already, between two times (both inclusive),
-- and at which place of their file they stood.
SELECT id, min(seq) AS seq
FROM events
WHERE site = {site:String}
    AND toStartOfHour(time) >= toStartOfHour({from:DateTime64(3, 'UTC')})
    AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
    AND id IN {ids:Array(String)}
GROUP BY id
