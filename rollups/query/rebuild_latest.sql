-- The newest rebuild of each of the sites that was asked for, as far as it is; with no site of all of them.
SELECT
    site,
    rebuild,
    revision,
    toUnixTimestamp64Milli(at) AS at_ms,
    state,
    step,
    done,
    visitors
FROM rebuild
WHERE {site:String} IN (site, '')
ORDER BY site, at DESC, rebuild, step DESC
LIMIT 1 BY site
