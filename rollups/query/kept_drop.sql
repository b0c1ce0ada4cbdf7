-- Takes what `kept_stale` finds out of the table; by name, so that no replica finds something else.
ALTER TABLE kept DELETE
WHERE pass IN {uncommitted:Array(String)} OR (rollup IN {kinds:Array(String)} AND pass IN {followed:Array(String)})
