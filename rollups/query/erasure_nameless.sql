-- Forget who it was.
ALTER TABLE erasure DELETE WHERE erasure IN {erasures:Array(String)} AND visitor != ''
