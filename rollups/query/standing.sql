-- Which life of the server this is, how much maintenance there was, and whether somebody is at it now: the newest claim
-- is not cleared, and some heart still beats.
SELECT
    (SELECT min(id) FROM life) AS life,
    count() AS maintenance,
    argMax(phase, (epoch, at)) != 'cleared' AND max(at) > now64(3) - toIntervalSecond({lease:UInt32}) AS claimed
FROM control
