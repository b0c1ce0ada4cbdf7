-- Sessions that start in the range: all of them, and for each of `goals` those that reach it, and how often they do.
SELECT
    sum(sign) AS total,
    sumForEach(arrayMap(each -> sign * (each > 0), times)) AS sessions,
    sumForEach(arrayMap(each -> sign * each, times)) AS totals
FROM (
    SELECT sign, {times_of_goals} AS times
    FROM sessions
    PREWHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
    WHERE 1 {selected}
)
