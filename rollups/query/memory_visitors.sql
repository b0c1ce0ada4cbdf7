-- The remembered visitors of a chunk.
SELECT site, visitor, hash, last
FROM ({live})
