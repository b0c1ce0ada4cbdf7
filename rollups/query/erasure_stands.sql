-- How far an erasure of a site is: whether it is in the numbers, and whether anything is left to be removed.
SELECT
    (SELECT count() FROM erased WHERE site = {site:String} AND erasure = {erasure:String}) > 0 AS counted,
    (SELECT count() FROM erasure WHERE site = {site:String} AND erasure = {erasure:String}) > 0 AS open
