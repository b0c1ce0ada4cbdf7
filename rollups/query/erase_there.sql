-- Which rows an erasure of a batch has left among the raw events already.
SELECT index
FROM events
WHERE startsWith(erasure, concat({token:String}, '/'))
