-- The distinct values of a site's day in the rollups, at most `most` of each dimension.
SELECT
    groupUniqArray({most:UInt64})(toString(source)) AS source,
    groupUniqArray({most:UInt64})(campaign) AS campaign,
    groupUniqArrayArray({most:UInt64})(pv_page) AS page,
    groupUniqArrayArray({most:UInt64})(arrayMap(type -> toString(type), ev_type)) AS type
FROM sessions
WHERE site = {site:String} AND start >= {from:DateTime64(3, 'UTC')} AND start < {to:DateTime64(3, 'UTC')}
