-- How long statements under one token, in any life of the server, run already, seconds; asked of the server that inserts go to.
SELECT elapsed
FROM system.processes
WHERE
    (
        Settings['insert_deduplication_token'] = {token:String}
        OR startsWith(Settings['insert_deduplication_token'], concat({token:String}, '/'))
    )
    AND query_id != queryID()
ORDER BY elapsed DESC
