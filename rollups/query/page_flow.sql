-- Views of one page in the sessions that start in the range: what follows each (value '' of kind next: nothing, the visitor
-- left), and the source of its session. A view that is followed by one of the same page is followed by it too.
-- Past 1000 rows of a kind the last is '(other)', which sums the rest.
WITH counted AS (
    SELECT
        kind,
        value,
        sum(sign) AS views,
        sum(sign * (place = 1)) AS entries,
        sum(sign * (next = '')) AS exits,
        sum(sign * (place = first)) AS sessions
    FROM (
        SELECT sign, source, indexOf(pv_page, {page:String}) AS first, page, next, place
        FROM sessions
        ARRAY JOIN
            pv_page AS page,
            arrayPushBack(arrayPopFront(pv_page), '') AS next,
            arrayEnumerate(pv_page) AS place
        WHERE site = {site:String} AND start >= {from:DateTime64(3,'UTC')} AND start < {to:DateTime64(3,'UTC')}
            AND has(pv_page, {page:String}) {selected}
    )
    ARRAY JOIN ['source', 'next'] AS kind, [source, next] AS value
    WHERE page = {page:String}
    GROUP BY kind, value
    HAVING views > 0
)
SELECT
    kind,
    if(place < 1000 OR rows = 1000, value, '(other)') AS value,
    sum(views) AS views,
    sum(entries) AS entries,
    sum(exits) AS exits,
    sum(sessions) AS sessions
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY kind ORDER BY value = '(other)', views DESC, value) AS place,
        count() OVER (PARTITION BY kind) AS rows
    FROM counted
    WHERE value != '' OR kind = 'source'
)
GROUP BY kind, value
UNION ALL
SELECT 'next' AS kind, value, views, entries, exits, sessions FROM counted WHERE kind = 'next' AND value = ''
