-- What lies at one revision of the registry: no row, or the one that was written first.
SELECT kind, id, revision, body
FROM registry
WHERE revision = {revision:UInt64}
