-- Sessions that start in the range, by the deepest view of one page; `page` '' is the deepest view of any page.
SELECT
    sum(sessions) AS sessions,
    sum(reached_25) AS reached_25,
    sum(reached_50) AS reached_50,
    sum(reached_75) AS reached_75,
    sum(reached_100) AS reached_100
FROM {rollup:trait.page}
WHERE kind = 'page' AND value = {page:String}
SETTINGS max_threads = 1
