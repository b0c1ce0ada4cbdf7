-- How long statements under one token run already, seconds; asked of the server that inserts go to.
SELECT elapsed
FROM system.processes
WHERE Settings['insert_deduplication_token'] = {token:String}
ORDER BY elapsed DESC
