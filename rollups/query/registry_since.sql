-- Everything that was written to the registry after a revision, in order.
SELECT kind, id, revision, body
FROM registry
WHERE revision > {revision:UInt64}
ORDER BY revision
