-- The distinct values of a site's day in the rollups, at most `most` of each dimension; a data key after its type and NUL.
SELECT *
FROM
(
    SELECT
        groupUniqArray({most:UInt64})(toString(source)) AS source,
        groupUniqArray({most:UInt64})(campaign) AS campaign,
        groupUniqArrayArray({most:UInt64})(pv_page) AS page,
        groupUniqArrayArray({most:UInt64})(arrayMap(type -> toString(type), ev_type)) AS type
    FROM sessions
    WHERE site = {site:String} AND start >= {from:DateTime64(3, 'UTC')} AND start < {to:DateTime64(3, 'UTC')}
) AS of_sessions
CROSS JOIN
(
    SELECT groupUniqArray({most:UInt64})(concat(type, '\0', key)) AS key
    FROM data_key
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}
) AS of_events
