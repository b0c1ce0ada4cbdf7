-- Everything that was written to the registry from a revision on, in order.
SELECT kind, id, revision, body
FROM registry
WHERE revision >= {revision:UInt64}
ORDER BY revision
