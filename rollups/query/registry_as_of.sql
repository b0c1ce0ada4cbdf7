-- The latest body that an id of the registry had up to a revision.
SELECT body
FROM registry
WHERE kind = {kind:String} AND id = {id:String} AND revision <= {revision:UInt64}
ORDER BY revision DESC
LIMIT 1
