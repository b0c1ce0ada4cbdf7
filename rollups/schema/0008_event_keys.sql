-- The leaf keys of `data`, which workers write (ingest/contract/data.py). The default answers for rows of before, and for
-- workers of before: it opens as many levels as admission allowed then, so it costs no more than the text is long.
ALTER TABLE events {on_cluster} ADD COLUMN IF NOT EXISTS keys Array(String) DEFAULT
arraySlice(arrayDistinct(arrayMap(
    leaf -> leaf.1,
    arrayFilter(
        leaf -> leaf.2 != '{}',
        arrayFold(
            (found, level) -> arrayFlatten(arrayMap(
                leaf -> if(
                    startsWith(leaf.2, '{'),
                    arrayMap(child -> (concat(leaf.1, '.', child.1), child.2), JSONExtractKeysAndValuesRaw(leaf.2)),
                    [leaf]
                ),
                found
            )),
            range(least(countSubstrings(data, '{'), 16)),
            JSONExtractKeysAndValuesRaw(data)
        )
    )
)), 1, 32)
