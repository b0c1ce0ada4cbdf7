-- The latest body that an id of the registry had up to a revision; its first where what was before it was lost.
SELECT body
FROM registry
WHERE kind = {kind:String} AND id = {id:String}
ORDER BY revision <= {revision:UInt64} DESC, if(revision <= {revision:UInt64}, -toInt64(revision), toInt64(revision))
LIMIT 1
